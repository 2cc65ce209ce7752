package io.tproc.cli;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * The signals with which users end a service. The first one is waited for; while what it ends is
 * being closed, a second one ends the JVM at once.
 */
final class EndSignals implements AutoCloseable {
  private static final String[] NAMES = {"TERM", "INT", "HUP"};

  private final List<Runnable> restore = new ArrayList<>();
  private final CountDownLatch came = new CountDownLatch(1);

  private EndSignals() {}

  /** Takes over the signals of this JVM, until closed or until the first one comes. */
  static EndSignals install() {
    EndSignals signals = new EndSignals();
    for (String name : NAMES) {
      signals.handle(name);
    }
    return signals;
  }

  private synchronized void handle(String name) {
    JvmSignals.handle(name, unused -> end()).ifPresent(restore::add);
  }

  /** As if the first one had come. */
  void end() {
    close();
    came.countDown();
  }

  void await() throws InterruptedException {
    came.await();
  }

  /** As {@link #await()}, but not for longer; returns whether one has come. */
  boolean await(Duration atMost) throws InterruptedException {
    return came.await(atMost.toNanos(), TimeUnit.NANOSECONDS);
  }

  @Override
  public synchronized void close() {
    restore.forEach(Runnable::run);
    restore.clear();
  }
}
