/** Batches of Apache Arrow for hosted programs and back, in place. */
module io.tproc.arrow {
  requires transitive io.tproc;
  requires transitive org.apache.arrow.memory.core;
  requires transitive org.apache.arrow.vector;
  requires org.apache.arrow.c;
  requires static org.jspecify;

  exports io.tproc.arrow;
}
