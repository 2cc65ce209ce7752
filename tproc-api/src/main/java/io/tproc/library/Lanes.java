package io.tproc.library;

import io.tproc.spi.JavaThreads;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
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
   * What is kept for a Java thread, in objects of the JDK's own classes alone: the thread may
   * outlive the instance, and an application whose class loader is to go.
   */
  private static final class Callers {
    private static final int OWN = 0;
    private static final int IN_USE = 1;
    private static final int NUMBERS = 2;
    private static final int DEPTH = 0;
    private static final int ERROR = 1;

    private final ThreadLocal<@Nullable Object[]> values =
        ThreadLocal.withInitial(() -> new @Nullable Object[] {null, null, new int[2]});

    Caller current() {
      return new Caller(values.get());
    }
  }

  /** A way to look at it, which is not kept. */
  private record Caller(@Nullable Object[] value) {
    @Nullable Lane own() {
      return value[Callers.OWN] instanceof WeakReference<?> own ? (Lane) own.get() : null;
    }

    void setOwn(Lane lane) {
      value[Callers.OWN] = new WeakReference<>(lane);
    }

    @Nullable Lane inUse() {
      return (Lane) value[Callers.IN_USE];
    }

    void setInUse(@Nullable Lane lane) {
      value[Callers.IN_USE] = lane;
    }

    private int[] numbers() {
      return (int[]) Objects.requireNonNull(value[Callers.NUMBERS]);
    }

    int deepen(int by) {
      return numbers()[Callers.DEPTH] += by;
    }

    int error() {
      return numbers()[Callers.ERROR];
    }

    void setError(int error) {
      numbers()[Callers.ERROR] = error;
    }
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
  private final Callers callers = new Callers();
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
    Caller caller = callers.current();
    Lane known = caller.inUse();
    Lane lane = known != null ? known : begin(caller, what);
    caller.setInUse(lane);
    caller.deepen(1);
    return lane;
  }

  /** It would end the library, and whoever else uses that, for a call that need not begin. */
  private Lane begin(Caller caller, String what) {
    if (instance.options().interruptible() && Thread.currentThread().isInterrupted()) {
      throw new LibraryTurnException("interrupted before " + what + " was called");
    }
    return take(caller, what);
  }

  void leave() {
    Caller caller = callers.current();
    Lane lane = Objects.requireNonNull(caller.inUse());
    caller.setError(lane.error());
    if (caller.deepen(-1) == 0) {
      caller.setInUse(null);
      giveBack(lane);
    }
  }

  /** The calling thread serves one lane until it ends: its calls go there. */
  void serve(Lane lane) {
    Caller caller = callers.current();
    caller.setInUse(lane);
    caller.deepen(1);
  }

  /** errno of the calling thread's latest call. */
  int error() {
    return callers.current().error();
  }

  boolean isInCall() {
    return callers.current().inUse() != null;
  }

  /** The main lane, with its lock; waits for it as long as the limit says. */
  Lane takeMain(String what, @Nullable Duration limit) {
    if (!mainLock.tryLock()) {
      awaitTurn(what, limit, () -> mainLock.tryLock(LOOK_MILLISECONDS, TimeUnit.MILLISECONDS));
    }
    return main;
  }

  private interface Turn {
    boolean isMine() throws InterruptedException;
  }

  /** What a call that was cut off has left locked or lent is not waited for. */
  private void awaitTurn(String what, @Nullable Duration limit, Turn turn) {
    boolean interrupted = false;
    long start = System.nanoTime();
    try {
      for (boolean mine = false; !mine; ) {
        if (limit != null && TimeUnit.NANOSECONDS.convert(limit) < System.nanoTime() - start) {
          throw new LibraryTurnException(
              what + " has waited longer than " + limit + " for its turn");
        }
        try {
          mine = turn.isMine();
        } catch (InterruptedException thrown) {
          interrupted = true;
          if (instance.options().interruptible()) {
            throw new LibraryTurnException("interrupted while " + what + " waited for its turn");
          }
        }
        if (!mine) {
          instance.checkAlive(what);
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private Lane take(Caller caller, String what) {
    switch (instance.options().threads()) {
      case MAIN -> {
        return takeMain(what, null);
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
      awaitTurn(what, null, () -> lent.tryAcquire(LOOK_MILLISECONDS, TimeUnit.MILLISECONDS));
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
    Lane known = caller.own();
    if (known != null) {
      return known;
    }
    Lane lane = orphaned();
    if (lane == null) {
      lane = instance.startLane();
    }
    caller.setOwn(lane);
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
