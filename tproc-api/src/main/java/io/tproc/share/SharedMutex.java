package io.tproc.share;

import io.tproc.spi.SharedMemory;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A lock between threads of this JVM and of programs ({@code struct tproc_mutex}): when a program
 * dies with it, the next one gets it, and is told. Made by {@link SharedHeap#mutex}. Not reentrant:
 * a hold is no thread's, so a thread that has one and locks again waits for that one's end.
 *
 * <p>Virtual threads give their carrier free while they wait.
 */
public final class SharedMutex {
  /** Bytes of a mutex, which all-zero bytes make a new one. */
  public static final int SIZE = 8;

  private final SharedMemory memory;
  private final long address;

  SharedMutex(SharedMemory memory, long address) {
    memory.checkShared(address, SIZE);
    this.memory = memory;
    this.address = address;
  }

  /**
   * Locks.
   *
   * @return the hold on it, to be closed by the caller
   * @throws SharedMemoryException with ENOTRECOVERABLE: its last owner has given it up after a
   *     death without making it consistent
   * @throws InterruptedException when the thread is interrupted while it waits
   */
  public Held lock() throws InterruptedException {
    @Nullable Held held = acquire(Waiting.FOR_EVER);
    return Objects.requireNonNull(held); // there is no deadline
  }

  /**
   * Locks if it is free.
   *
   * @return the hold on it; empty when a living owner has it
   * @throws SharedMemoryException as {@link #lock}
   */
  public Optional<Held> tryLock() {
    int result = memory.tryLock(address, false);
    return result < 0 ? Optional.empty() : Optional.of(new Held(result > 0));
  }

  /**
   * Locks.
   *
   * @param timeout how long it may wait
   * @return the hold on it; empty when the time is over
   * @throws SharedMemoryException as {@link #lock}
   * @throws InterruptedException when the thread is interrupted while it waits
   */
  public Optional<Held> tryLock(Duration timeout) throws InterruptedException {
    return Optional.ofNullable(acquire(Waiting.deadline(timeout)));
  }

  private @Nullable Held acquire(long deadline) throws InterruptedException {
    int result = take(deadline);
    return result < 0 ? null : new Held(result > 0);
  }

  /** 0: locked; 1: locked, its last owner has died with it; -1: the deadline has passed. */
  private int take(long deadline) throws InterruptedException {
    boolean slept = false;
    while (true) {
      long since = memory.begin();
      int result = memory.tryLock(address, slept);
      if (result >= 0) {
        return result;
      }
      long value = memory.announce(address);
      if (value < 0) {
        continue;
      }
      CompletableFuture<Void> changed = memory.changed(address, (int) value, since);
      if (!Waiting.await(memory, address, changed, deadline)) {
        return -1;
      }
      slept = true;
    }
  }

  /** The lock, held until {@link #close}. Any thread of this JVM may close it. */
  public final class Held implements AutoCloseable {
    private boolean ownerDied;
    private boolean closed;

    private Held(boolean ownerDied) {
      this.ownerDied = ownerDied;
    }

    /**
     * Whether the last owner has died with it: what the lock guards has to be put right, and then
     * {@link #consistent} called.
     *
     * @return whether it has
     */
    public synchronized boolean ownerDied() {
      return ownerDied;
    }

    /**
     * Says that what the lock guards is right again. Without it no thread gets the lock any more.
     */
    public synchronized void consistent() {
      if (closed) {
        throw new IllegalStateException("the lock is not held any more");
      }
      if (ownerDied) {
        memory.consistent(address);
      }
    }

    /** For one who waits at a condition: until {@link #lockAgain} this is as one that is closed. */
    synchronized void unlockToWait() {
      if (closed) {
        throw new IllegalStateException("the lock is not held any more");
      }
      closed = true;
      memory.unlock(address);
    }

    /** Not interruptible: the thread stays interrupted. When it fails, this stays closed. */
    void lockAgain() {
      boolean interrupted = false;
      while (true) {
        try {
          locked(take(Waiting.FOR_EVER) > 0);
          break;
        } catch (InterruptedException again) {
          interrupted = true;
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }

    private synchronized void locked(boolean afterDeath) {
      ownerDied = afterDeath;
      closed = false;
    }

    /** Unlocks. Calls after the first do nothing. */
    @Override
    public synchronized void close() {
      if (!closed) {
        closed = true;
        memory.unlock(address);
      }
    }
  }
}
