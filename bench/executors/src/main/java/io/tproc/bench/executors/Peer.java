package io.tproc.bench.executors;

import java.io.IOException;
import java.util.List;

/** A way to a worker. */
interface Peer extends AutoCloseable {
  /** No batch crashes. */
  long NONE = -1;

  /**
   * Sends batches, as many at a time as this way can, until all are answered. One that a worker
   * crashes at is sent again, as it should have been.
   *
   * @param crash the number of the batch at which a worker crashes, or {@link #NONE}
   */
  void run(long count, long crash) throws IOException, InterruptedException;

  /** The workers there are, as processes; not this one. */
  List<Long> pids();

  @Override
  void close() throws IOException, InterruptedException;
}
