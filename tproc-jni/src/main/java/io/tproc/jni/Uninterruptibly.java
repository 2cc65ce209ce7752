package io.tproc.jni;

/** Waiting where giving up half-way would leak something. */
final class Uninterruptibly {
  /** Something that waits. */
  interface Wait {
    void run() throws InterruptedException;
  }

  private Uninterruptibly() {}

  /** Waits to the end, and leaves an interrupt that came meanwhile for the caller to find. */
  static void run(Wait wait) {
    boolean interrupted = false;
    while (true) {
      try {
        wait.run();
        break;
      } catch (InterruptedException again) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
