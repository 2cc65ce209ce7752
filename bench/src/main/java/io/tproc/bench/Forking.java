package io.tproc.bench;

import io.tproc.TprocHost;
import java.io.IOException;

/** A program that forks in a loop until this is closed; measured is what happens beside it. */
final class Forking implements AutoCloseable {
  private final Process program;

  private Forking(Process program) throws IOException {
    this.program = program;
    if (program.getInputStream().read() < 0) {
      throw new IllegalStateException(
          "forks ended with status " + program.onExit().join().exitValue());
    }
  }

  /** In a threadproc; it has forked for the first time when this returns. */
  static Forking hosted(TprocHost host) throws IOException {
    return new Forking(host.command(Programs.path("forks"), "for-ever", "1").start());
  }

  /** In a process of its own; it has forked for the first time when this returns. */
  static Forking natively() throws IOException {
    return new Forking(new ProcessBuilder(Programs.path("forks"), "for-ever", "1").start());
  }

  /** Measures something while it forks. */
  double during(Rounds.Subject subject) throws IOException, InterruptedException {
    double figure = subject.measure();
    if (!program.isAlive()) {
      throw new IllegalStateException("forks ended with status " + program.exitValue());
    }
    return figure;
  }

  @Override
  public void close() throws IOException {
    program.destroyForcibly();
    program.onExit().join();
    if (program instanceof io.tproc.ThreadProc threadproc) {
      threadproc.close();
    }
  }
}
