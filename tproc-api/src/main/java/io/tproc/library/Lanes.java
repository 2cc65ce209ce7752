package io.tproc.library;

import io.tproc.spi.JavaThreads;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** Which lane a Java thread uses, as {@link LibraryThreads} says. */
final class Lanes {
  /** Most lanes that are lent. */
  private static final int LENT_MAX = 64;

  /** So long a turn is waited for before the instance is looked at. */
  private static final long LOOK_MILLISECONDS = 100;

  /**
   * What is kept for a Java thread. It must not lead to the instance: the thread may outlive it.
   */
  private static final class Caller {
    private @Nullable WeakReference<Lane> own;
    private @Nullable Lane inUse;
    private int depth;
    private int error;
  }

  private record Owned(WeakReference<Thread> owner, Lane lane) {
    boolean isOrphaned() {
      Thread thread = owner.get();
      return thread == null || !thread.isAlive();
    }
  }

  private final Instance instance;
  private final Lane main;
  private final ReentrantLock mainLock;
  private final ThreadLocal<Caller> callers = ThreadLocal.withInitial(Caller::new);
  private final ConcurrentLinkedDeque<Lane> free = new ConcurrentLinkedDeque<>();
  private final Semaphore lent = new Semaphore(LENT_MAX);
  private final ReentrantLock lock = new ReentrantLock();

  /** Under the lock. */
  private final List<Owned> owned = new ArrayList<>();

  Lanes(Instance instance, Lane main, ReentrantLock mainLock) {
    this.instance = instance;
    this.main = main;
    this.mainLock = mainLock;
  }

  /**
   * The calling thread's lane for one call; in a callback, the lane that it came from.
   *
   * @throws StaleLibraryException when the instance ends while it is waited for
   * @throws LibraryTurnException when this thread is interrupted meanwhile
   */
  Lane enter(String what) {
    Caller caller = callers.get();
    Lane lane = caller.inUse != null ? caller.inUse : take(caller, what);
    caller.inUse = lane;
    caller.depth++;
    return lane;
  }

  void leave() {
    Caller caller = callers.get();
    Lane lane = java.util.Objects.requireNonNull(caller.inUse);
    caller.error = lane.error();
    if (--caller.depth == 0) {
      caller.inUse = null;
      giveBack(lane);
    }
  }

  /** The calling thread serves one lane until it ends: its calls go there. */
  void serve(Lane lane) {
    Caller caller = callers.get();
    caller.inUse = lane;
    caller.depth = 1;
  }

  /** errno of the calling thread's latest call. */
  int error() {
    return callers.get().error;
  }

  boolean isInCall() {
    return callers.get().inUse != null;
  }

  /** The main lane, with its lock. */
  Lane takeMain(String what) {
    if (!mainLock.tryLock()) {
      awaitTurn(what, () -> mainLock.tryLock(LOOK_MILLISECONDS, TimeUnit.MILLISECONDS));
    }
    return main;
  }

  private interface Turn {
    boolean isMine() throws InterruptedException;
  }

  /** What a call that was cut off has left locked or lent is not waited for. */
  private void awaitTurn(String what, Turn turn) {
    boolean interrupted = false;
    for (boolean mine = false; !mine; ) {
      try {
        mine = turn.isMine();
      } catch (InterruptedException thrown) {
        if (instance.options().interruptible()) {
          Thread.currentThread().interrupt();
          throw new LibraryTurnException("interrupted while " + what + " waited for its turn");
        }
        interrupted = true;
      }
      if (!mine) {
        instance.checkAlive(what);
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private Lane take(Caller caller, String what) {
    switch (instance.options().threads()) {
      case MAIN -> {
        return takeMain(what);
      }
      case OWN -> {
        if (!JavaThreads.isVirtual(Thread.currentThread())) {
          return own(caller);
        }
      }
      case SHARED -> {}
    }
    return borrow(what);
  }

  private void giveBack(Lane lane) {
    if (lane == main) {
      mainLock.unlock();
    } else if (instance.options().threads() == LibraryThreads.SHARED
        || JavaThreads.isVirtual(Thread.currentThread())) {
      free.push(lane);
      lent.release();
    }
  }

  private Lane borrow(String what) {
    if (!lent.tryAcquire()) {
      awaitTurn(what, () -> lent.tryAcquire(LOOK_MILLISECONDS, TimeUnit.MILLISECONDS));
    }
    Lane lane = free.poll();
    if (lane != null) {
      return lane;
    }
    try {
      return instance.startLane();
    } catch (Throwable failed) {
      lent.release();
      throw failed;
    }
  }

  private Lane own(Caller caller) {
    Lane known = caller.own == null ? null : caller.own.get();
    if (known != null) {
      return known;
    }
    Lane lane = orphaned();
    if (lane == null) {
      lane = instance.startLane();
    }
    caller.own = new WeakReference<>(lane);
    lock.lock();
    try {
      owned.add(new Owned(new WeakReference<>(Thread.currentThread()), lane));
    } finally {
      lock.unlock();
    }
    return lane;
  }

  private @Nullable Lane orphaned() {
    lock.lock();
    try {
      for (Iterator<Owned> all = owned.iterator(); all.hasNext(); ) {
        Owned one = all.next();
        if (one.isOrphaned()) {
          all.remove();
          return one.lane();
        }
      }
      return null;
    } finally {
      lock.unlock();
    }
  }
}
