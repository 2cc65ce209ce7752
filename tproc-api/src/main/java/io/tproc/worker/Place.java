package io.tproc.worker;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** One place of a pool, and the thread that keeps an instance in it. */
final class Place {
  private static final Logger LOGGER = System.getLogger("io.tproc.worker");

  private final WorkerPool pool;
  private final Options options;
  private final BackOff backOff;
  private final Thread thread;
  private volatile @Nullable Instance current;
  // Guarded by the pool's lock; that it leaves is read without it.
  boolean isReplacement;
  boolean isReplaced;
  boolean wasReady;
  boolean hasLeft;
  volatile boolean leaves;
  @Nullable Throwable whyLeft;

  Place(WorkerPool pool, Options options) {
    this.pool = pool;
    this.options = options;
    this.backOff = new BackOff(options.restarts());
    this.thread = new Keeper(pool, this::run);
  }

  void start() {
    thread.start();
  }

  @Nullable Instance current() {
    return current;
  }

  /** A place's thread. */
  private static final class Keeper extends Thread {
    private final WorkerPool pool;

    Keeper(WorkerPool pool, Runnable work) {
      super(null, work, "tproc-pool", 0, false);
      this.pool = pool;
      setDaemon(true);
    }
  }

  /** Whether a thread keeps a place of a pool. */
  static boolean isOf(WorkerPool pool, Thread thread) {
    return thread instanceof Keeper keeper && keeper.pool == pool;
  }

  private void run() {
    while (serveOnce()) {}
  }

  /** Returns whether to go on. */
  private boolean serveOnce() {
    @Nullable Instance instance = null;
    Throwable failure;
    try {
      instance = new Instance(pool, options);
      failure = serve(instance);
    } catch (IOException | RuntimeException | Error failed) {
      failure = failed;
    }
    current = null;
    // Of a host that is closed there is nothing more to be had.
    boolean isHostClosed = failure instanceof IllegalStateException;
    boolean hasServed = instance != null && instance.hasServed();
    OptionalLong pause = isHostClosed ? OptionalLong.empty() : backOff.next(hasServed);
    // Of the last one an exception tells.
    if (!hasServed && pause.isPresent() && !leaves && !pool.isStopping()) {
      LOGGER.log(Level.WARNING, "a worker was started in vain: {0}", failure.getMessage());
    }
    return pool.pause(this, pause, failure);
  }

  /** Returns what a pool that gives up says. */
  private Exception serve(Instance instance) throws WorkerStartException {
    current = instance;
    try {
      if (pool.isStopping() || leaves) { // who said so may not have seen this one
        instance.stop();
      }
      instance.awaitReady();
      pool.ready(this, instance);
      instance.serve();
    } catch (IllegalStateException hostClosed) {
      return hostClosed;
    } catch (RuntimeException | Error unexpected) {
      LOGGER.log(Level.ERROR, "a worker is ended", unexpected);
      instance.kill("the pool failed: " + unexpected);
    } finally {
      instance.end();
    }
    String how = instance.how(instance.process().exitStatus().orElseThrow());
    return new WorkerStartException(
        instance.name() + " ended without having answered a request: " + how, null);
  }

  /** Lets the instance end by itself when it has nothing to do; else kills it. */
  void stop() {
    Instance now = current;
    if (now != null) {
      now.stop();
    }
  }

  void kill(String why) {
    Instance now = current;
    if (now != null) {
      now.kill(why);
    }
  }

  /** Returns whether the thread has ended. */
  boolean join(long nanos) throws InterruptedException {
    if (nanos > 0) {
      TimeUnit.NANOSECONDS.timedJoin(thread, nanos);
    }
    return !thread.isAlive();
  }
}
