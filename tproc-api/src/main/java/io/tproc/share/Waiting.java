package io.tproc.share;

import io.tproc.spi.JavaThreads;
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

  /**
   * So long a thread sleeps in native code before it parks: one switch of threads less than parking
   * has, where a helper hears of the word first. Not longer, for it does not hear of interrupts,
   * nor of the death of one who was to wake it.
   */
  private static final long NATIVE_NANOS = 2_000_000;

  private Waiting() {}

  /**
   * Until when the calling thread may sleep in native code: a virtual one would keep its carrier.
   */
  static long nativeDeadline(long deadline) {
    long now = System.nanoTime();
    if (JavaThreads.isVirtual(Thread.currentThread())) {
      return now;
    }
    return deadline == FOR_EVER ? now + NATIVE_NANOS : now + Math.min(NATIVE_NANOS, deadline - now);
  }

  /**
   * Sleeps in native code while the word has this value.
   *
   * @return false when the native deadline has passed
   */
  static boolean sleep(SharedMemory memory, long address, int value, long nativeDeadline)
      throws InterruptedException {
    long left = nativeDeadline - System.nanoTime();
    if (left <= 0) {
      return false;
    }
    if (Thread.interrupted()) {
      throw new InterruptedException();
    }
    memory.sleep(address, value, left);
    return true;
  }

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
