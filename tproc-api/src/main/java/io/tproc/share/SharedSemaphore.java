package io.tproc.share;

import io.tproc.spi.SharedMemory;
import java.time.Duration;

/**
 * Permits, for threads of this JVM and of programs ({@code struct tproc_semaphore}). Made by {@link
 * SharedHeap#semaphore}. A permit that a program dies with is gone.
 *
 * <p>Virtual threads give their carrier free while they wait.
 */
public final class SharedSemaphore {
  /** Bytes of a semaphore; the first four are the number of permits, and the others zero. */
  public static final int SIZE = 8;

  private static final int POSTED = 4;

  private final SharedMemory memory;
  private final long address;

  SharedSemaphore(SharedMemory memory, long address) {
    memory.checkShared(address, SIZE);
    this.memory = memory;
    this.address = address;
  }

  /**
   * Takes a permit.
   *
   * @throws InterruptedException when the thread is interrupted while it waits
   */
  public void acquire() throws InterruptedException {
    acquire(Waiting.FOR_EVER);
  }

  /**
   * Takes a permit, if there is one.
   *
   * @return whether there was one
   */
  public boolean tryAcquire() {
    return memory.tryAcquire(address);
  }

  /**
   * Takes a permit.
   *
   * @param timeout how long it may wait
   * @return false when the time is over
   * @throws InterruptedException when the thread is interrupted while it waits
   */
  public boolean tryAcquire(Duration timeout) throws InterruptedException {
    return acquire(Waiting.deadline(timeout));
  }

  private boolean acquire(long deadline) throws InterruptedException {
    long posted = address + POSTED;
    while (!memory.tryAcquire(address)) {
      long since = memory.begin();
      int key = memory.prepare(posted);
      if (memory.tryAcquire(address)) {
        return true;
      }
      if (!Waiting.await(memory, posted, memory.changed(posted, key, since), deadline)) {
        return false;
      }
    }
    return true;
  }

  /** Adds a permit, and wakes who waits for one. */
  public void release() {
    memory.release(address);
  }
}
