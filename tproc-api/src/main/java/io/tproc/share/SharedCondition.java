package io.tproc.share;

import io.tproc.spi.SharedMemory;
import java.time.Duration;

/**
 * Waiting for what a {@link SharedMutex} guards to change, for threads of this JVM and of programs
 * ({@code struct tproc_cond}). Made by {@link SharedHeap#condition}.
 *
 * <p>Virtual threads give their carrier free while they wait.
 */
public final class SharedCondition {
  /** Bytes of a condition, which all-zero bytes make a new one. */
  public static final int SIZE = 4;

  private final SharedMemory memory;
  private final long address;

  SharedCondition(SharedMemory memory, long address) {
    memory.checkShared(address, SIZE);
    this.memory = memory;
    this.address = address;
  }

  /**
   * Unlocks the mutex, waits until the next {@link #signalAll}, and locks it again. It may return
   * without a reason, so look at the condition in a loop.
   *
   * @param held the hold on the mutex. Says afterwards whether an owner has died meanwhile; with
   *     {@link SharedMemoryException} it is lost
   * @throws SharedMemoryException with ENOTRECOVERABLE, as {@link SharedMutex#lock}
   * @throws InterruptedException when the thread is interrupted while it waits; the mutex is locked
   *     again
   */
  public void await(SharedMutex.Held held) throws InterruptedException {
    await(held, Waiting.FOR_EVER);
  }

  /**
   * Waits as {@link #await(SharedMutex.Held)}, but not longer than for some time.
   *
   * @param held the hold on the mutex
   * @param timeout how long it may wait; locking the mutex again takes as long as it takes
   * @return false when the time is over
   * @throws SharedMemoryException with ENOTRECOVERABLE, as {@link SharedMutex#lock}
   * @throws InterruptedException when the thread is interrupted while it waits; the mutex is locked
   *     again
   */
  public boolean await(SharedMutex.Held held, Duration timeout) throws InterruptedException {
    return await(held, Waiting.deadline(timeout));
  }

  private boolean await(SharedMutex.Held held, long deadline) throws InterruptedException {
    long since = memory.begin();
    int key = memory.prepare(address);
    held.unlockToWait();
    try {
      return Waiting.await(memory, address, memory.changed(address, key, since), deadline);
    } finally {
      held.lockAgain();
    }
  }

  /**
   * Wakes all who wait. To wake one alone would not do: it might be killed before it acts, and the
   * others wait on.
   */
  public void signalAll() {
    memory.signal(address);
  }
}
