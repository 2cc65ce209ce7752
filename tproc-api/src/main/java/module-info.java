/**
 * What programs write against to host native programs in the JVM's own address space. It holds no
 * native code: a provider such as {@code io.tproc.jni} is found with {@link
 * java.util.ServiceLoader}.
 */
module io.tproc {
  requires static org.jspecify;

  exports io.tproc;
  exports io.tproc.library;
  exports io.tproc.python;
  exports io.tproc.share;
  exports io.tproc.spi;
  exports io.tproc.worker;

  uses io.tproc.spi.TprocProvider;
}
