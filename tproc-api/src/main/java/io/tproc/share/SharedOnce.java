package io.tproc.share;

import io.tproc.spi.SharedMemory;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Something that is to be done once, by one of all programs or this JVM ({@code struct
 * tproc_once}). Made by {@link SharedHeap#once}.
 *
 * <p>Virtual threads give their carrier free while they wait.
 */
public final class SharedOnce {
  /** Bytes of a once, which all-zero bytes make a new one. */
  public static final int SIZE = 12;

  private static final int MUTEX = 4;

  private static final VarHandle DONE =
      MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.nativeOrder());

  private final SharedMemory memory;
  private final long address;
  private final SharedMutex mutex;

  SharedOnce(SharedMemory memory, long address) {
    memory.checkShared(address, SIZE);
    this.memory = memory;
    this.address = address;
    this.mutex = new SharedMutex(memory, address + MUTEX);
  }

  /**
   * Does it unless it has been done, and waits for the one that is doing it. When that one's
   * program dies, or its action throws, the next caller does it, from the start.
   *
   * @param action what is to be done; it must not call this method of the same object
   * @throws InterruptedException when the thread is interrupted while it waits
   */
  public void call(Runnable action) throws InterruptedException {
    ByteBuffer done = memory.view(address, MUTEX);
    if ((int) DONE.getAcquire(done, 0) != 0) {
      return;
    }
    try (SharedMutex.Held held = mutex.lock()) {
      if (held.ownerDied()) {
        held.consistent(); // from the start, by this one
      }
      if ((int) DONE.getAcquire(done, 0) == 0) {
        action.run();
        DONE.setRelease(done, 0, 1);
      }
    }
  }
}
