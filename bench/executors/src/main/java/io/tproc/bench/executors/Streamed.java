package io.tproc.bench.executors;

import java.io.IOException;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A process that reads batches one after the other and writes answers. One thread writes, and
 * another reads, as PySpark has it. When the process has crashed, another one is started, and what
 * it has not answered is sent again.
 */
abstract class Streamed implements Peer {
  private @Nullable Process process;

  /** Starts the process, and opens the way to it. */
  abstract Process start() throws IOException;

  abstract void write(boolean crashes) throws IOException;

  abstract void flush() throws IOException;

  /** Reads an answer, and looks at it. */
  abstract void read() throws IOException;

  /** Closes the way to the process. */
  abstract void stop() throws IOException;

  @Override
  public void run(long count, long crash) throws IOException, InterruptedException {
    long answered = 0;
    while (answered < count) {
      if (process == null) {
        process = start();
      }
      long from = answered;
      AtomicLong to = new AtomicLong(answered);
      long crashing = from == 0 ? crash : NONE; // the first process only
      Thread writer = new Thread(() -> writeAll(from, count, crashing));
      writer.start();
      readAll(to, count);
      answered = to.get();
      if (answered < count) {
        stop(); // which the writer notices, too
        Objects.requireNonNull(process).waitFor();
        process = null;
      }
      writer.join();
    }
  }

  private void writeAll(long from, long count, long crash) {
    try {
      for (long i = from; i < count; i++) {
        write(i == crash);
      }
      flush();
    } catch (IOException crashed) {
      // who reads has noticed, too
    }
  }

  private void readAll(AtomicLong answered, long count) {
    try {
      while (answered.get() < count) {
        read();
        answered.incrementAndGet();
      }
    } catch (IOException crashed) {
      // answered says how far it came
    }
  }

  @Override
  public List<Long> pids() {
    Process now = process;
    return now == null ? List.of() : List.of(now.pid());
  }

  @Override
  public void close() throws IOException, InterruptedException {
    Process now = process;
    if (now != null) {
      stop();
      now.waitFor();
    }
  }
}
