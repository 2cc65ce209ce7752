package io.tproc.jni;

import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A lock to whose holder one task can be handed over, so that who brings the task never waits.
 *
 * <p>The collector needs it: at a program's exit it has to change streams that a user's thread may
 * hold for as long as it likes, for example in a read from a pipe that the program's own child
 * keeps open. The JDK has a thread for each process and lets it wait; ours collects the exits of
 * all.
 */
final class HandOverLock {
  private final ReentrantLock lock = new ReentrantLock();
  private volatile @Nullable Runnable task;

  void lock() {
    lock.lock();
  }

  void unlock() {
    lock.unlock();
    runTaskIfFree();
  }

  /**
   * Runs a task under the lock: now when it is free, else as soon as its holder gives it back, by
   * that thread.
   */
  void handOver(Runnable newTask) {
    task = newTask;
    runTaskIfFree();
  }

  /**
   * Nothing is missed: either this tryLock succeeds, or a holder has the lock and will look for the
   * task after giving it back, which is later than the write of the task.
   */
  private void runTaskIfFree() {
    while (task != null && !lock.isHeldByCurrentThread() && lock.tryLock()) {
      try {
        Runnable mine = task;
        task = null;
        if (mine != null) {
          mine.run();
        }
      } finally {
        lock.unlock();
      }
    }
  }
}
