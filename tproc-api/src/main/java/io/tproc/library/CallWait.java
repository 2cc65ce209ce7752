package io.tproc.library;

import io.tproc.library.Ending.Cause;
import io.tproc.spi.JavaThreads;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.spi.AbstractInterruptibleChannel;
import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * How a thread sleeps while a call of its does not return; ends the instance when the call's time
 * is over, or when the thread is interrupted. It then waits for that end, so that nothing of the
 * call's is used any more when it gives up.
 *
 * <p>A platform thread sleeps in native code, where it holds up no safepoint. A virtual thread
 * parks, and a helper sleeps for it, so that its carrier is free.
 */
final class CallWait implements Lane.Waiting {
  private static final Executor HELPERS =
      Executors.newCachedThreadPool(
          task -> {
            Thread helper = new Thread(null, task, "tproc-waiter", 0, false);
            helper.setDaemon(true);
            return helper;
          });

  private final Instance instance;
  private final String function;
  private final @Nullable Duration limit;
  private final long nanoseconds;
  private final long start;
  private final boolean interruptible;
  private @Nullable CallWait around;
  private boolean ended;

  CallWait(Instance instance, String function, @Nullable Duration limit) {
    this(instance, function, limit, instance.options().interruptible());
  }

  CallWait(Instance instance, String function, @Nullable Duration limit, boolean interruptible) {
    this.instance = instance;
    this.interruptible = interruptible;
    this.function = function;
    this.limit = limit;
    this.nanoseconds = limit == null ? 0 : nanoseconds(limit);
    this.start = limit == null ? 0 : System.nanoTime();
  }

  @Override
  public void sleep(Lane lane, int turn) {
    if (ended || instance.isEnding()) {
      lane.sleepNatively(turn, -1); // a process that is being killed: not for long
      return;
    }
    if (around == null) {
      around = lane.around;
    }
    long left = left();
    if (left == 0) {
      endOver(lane);
    } else if (JavaThreads.isVirtual(Thread.currentThread())) {
      park(lane, turn, left);
    } else if (interruptible) {
      new Interruption(lane).sleep(turn, left);
    } else {
      lane.sleepNatively(turn, left);
    }
    if (interruptible && Thread.currentThread().isInterrupted()) {
      end(
          lane,
          Cause.Kind.INTERRUPT,
          "the thread that had called " + function + " was interrupted");
    }
  }

  /** Until the limit of this call, or of one around it; -1 without any. */
  private long left() {
    long own = limit == null ? -1 : Math.max(0, nanoseconds - (System.nanoTime() - start));
    long outer = around == null ? -1 : around.left();
    return own < 0 || outer >= 0 && outer < own ? outer : own;
  }

  /** The call in whose callback this one is: its limit counts, too. */
  CallWait around(@Nullable CallWait outer) {
    around = outer;
    return this;
  }

  /** Ends the instance after a callback that took too long: Java code is not cut off. */
  boolean endIfOver() {
    if (!ended && left() == 0) {
      endOver(null);
    }
    return ended;
  }

  private void endOver(@Nullable Lane lane) {
    CallWait over = around != null && around.left() == 0 ? around : this;
    if (over == this) {
      end(lane, Cause.Kind.TIMEOUT, function + " took longer than " + limit);
    } else {
      over.endOver(null);
      ended = over.ended;
    }
  }

  /** As many as there can be: 292 years. */
  private static long nanoseconds(Duration limit) {
    return TimeUnit.NANOSECONDS.convert(limit);
  }

  /** What has come at the last moment has come. */
  private void end(@Nullable Lane lane, Cause.Kind kind, String why) {
    if (lane == null || !lane.isMyTurn()) {
      ended = true;
      instance.end(kind, why);
    }
  }

  /** Whether this has ended the instance, whatever the lane says after that. */
  boolean hasEnded() {
    return ended;
  }

  private void park(Lane lane, int turn, long left) {
    Thread me = Thread.currentThread();
    boolean interrupted = !interruptible && Thread.interrupted();
    HELPERS.execute(
        () -> {
          lane.sleepNatively(turn, -1);
          LockSupport.unpark(me);
        });
    if (lane.isStill(turn)) {
      if (left < 0) {
        LockSupport.park(lane);
      } else {
        LockSupport.parkNanos(lane, left);
      }
    }
    lane.ring(); // the helper, when we are back before it
    if (interrupted) {
      me.interrupt();
    }
  }

  /** Lets an interrupt ring the lane: this is how the JDK lets channels know of interrupts. */
  private static final class Interruption extends AbstractInterruptibleChannel {
    private final Lane lane;

    Interruption(Lane lane) {
      this.lane = lane;
    }

    void sleep(int turn, long nanoseconds) {
      begin();
      try {
        if (!Thread.currentThread().isInterrupted()) {
          lane.sleepNatively(turn, nanoseconds);
        }
      } finally {
        try {
          end(true);
        } catch (ClosedByInterruptException interrupted) {
          // the thread's status says so
        } catch (java.nio.channels.AsynchronousCloseException impossible) {
          throw new AssertionError(impossible);
        }
      }
    }

    @Override
    protected void implCloseChannel() {
      lane.ring();
    }
  }
}
