package io.tproc.bench;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * A Java thread that looks at the clock every millisecond, and so notices how long it was kept from
 * doing so.
 */
final class Ticker implements AutoCloseable {
  private final Thread thread = new Thread(this::tick, "ticker");
  private volatile boolean ended;
  private volatile long worst;

  Ticker() {
    thread.setDaemon(true);
    thread.start();
  }

  /** The longest time between two looks since the last call, in milliseconds. */
  double worstPause() {
    double result = worst / 1e6;
    worst = 0;
    return result;
  }

  private void tick() {
    long last = System.nanoTime();
    while (!ended) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
      long now = System.nanoTime();
      worst = Math.max(worst, now - last);
      last = now;
    }
  }

  @Override
  public void close() throws InterruptedException {
    ended = true;
    thread.join();
  }
}
