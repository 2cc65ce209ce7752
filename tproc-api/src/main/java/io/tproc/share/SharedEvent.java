package io.tproc.share;

import io.tproc.spi.SharedMemory;
import java.time.Duration;
import java.util.function.BooleanSupplier;

/**
 * Waiting for a condition that is somewhere else in shared memory ({@code struct tproc_event}).
 * Made by {@link SharedHeap#event}. The thread that changes the condition signals; when a program
 * dies between the two, those who wait look at their condition as well.
 *
 * <p>Virtual threads give their carrier free while they wait.
 */
public final class SharedEvent {
  /** Bytes of an event, which all-zero bytes make a new one. */
  public static final int SIZE = 4;

  private final SharedMemory memory;
  private final long address;

  SharedEvent(SharedMemory memory, long address) {
    memory.checkShared(address, SIZE);
    this.memory = memory;
    this.address = address;
  }

  /**
   * Waits until a condition holds.
   *
   * @param condition looked at first, and at each signal; quick
   * @throws InterruptedException when the thread is interrupted while it waits
   */
  public void await(BooleanSupplier condition) throws InterruptedException {
    await(condition, Waiting.FOR_EVER);
  }

  /**
   * Waits until a condition holds.
   *
   * @param condition looked at first, and at each signal; quick
   * @param timeout how long it may wait
   * @return false when the time is over
   * @throws InterruptedException when the thread is interrupted while it waits
   */
  public boolean await(BooleanSupplier condition, Duration timeout) throws InterruptedException {
    return await(condition, Waiting.deadline(timeout));
  }

  private boolean await(BooleanSupplier condition, long deadline) throws InterruptedException {
    while (!condition.getAsBoolean()) {
      long since = memory.begin();
      int key = memory.prepare(address);
      if (condition.getAsBoolean()) {
        return true;
      }
      if (!Waiting.await(memory, address, memory.changed(address, key, since), deadline)) {
        return condition.getAsBoolean();
      }
    }
    return true;
  }

  /** Wakes all who wait. Cheap when no thread waits. */
  public void signal() {
    memory.signal(address);
  }
}
