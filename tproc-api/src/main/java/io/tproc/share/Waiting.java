package io.tproc.share;

import io.tproc.spi.SharedMemory;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Parking until a word changes: a virtual thread gives its carrier free meanwhile. */
final class Waiting {
  /** No deadline. */
  static final long FOR_EVER = Long.MAX_VALUE;

  private Waiting() {}

  /** The deadline of {@link System#nanoTime} that a timeout from now on means. */
  static long deadline(Duration timeout) {
    long nanos = TimeUnit.NANOSECONDS.convert(timeout);
    long deadline = System.nanoTime() + Math.max(nanos, 0);
    // Beyond the largest number: as good as never.
    return nanos > Long.MAX_VALUE / 2 || deadline == FOR_EVER ? FOR_EVER : deadline;
  }

  /**
   * Waits for a future of {@link SharedMemory#changed}.
   *
   * @return false when the deadline has passed; then, and with an exception, the future is
   *     cancelled
   */
  static boolean await(
      SharedMemory memory, long address, CompletableFuture<Void> changed, long deadline)
      throws InterruptedException {
    boolean woken = false;
    try {
      woken = isDone(changed, deadline);
      return woken;
    } finally {
      // Woken in the same moment: of those who sleep one was, and it does not want it any more.
      if (!woken && !changed.cancel(false)) {
        memory.wake(address);
      }
    }
  }

  /**
   * Waits for the first of several futures at events, which wake all who sleep there.
   *
   * @return false when the deadline has passed
   */
  static boolean await(List<CompletableFuture<Void>> changes, long deadline)
      throws InterruptedException {
    return isDone(CompletableFuture.anyOf(changes.toArray(new CompletableFuture<?>[0])), deadline);
  }

  private static boolean isDone(CompletableFuture<?> changed, long deadline)
      throws InterruptedException {
    try {
      if (deadline == FOR_EVER) {
        changed.get();
      } else {
        changed.get(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
      }
      return true;
    } catch (TimeoutException passed) {
      return false;
    } catch (ExecutionException failed) {
      throw new IllegalStateException("the host is closed", failed);
    }
  }
}
