package io.tproc.cli;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import sun.misc.Signal;
import sun.misc.SignalHandler;

/**
 * The signals with which users end a service. The first one is waited for; while what it ends is
 * being closed, a second one ends the JVM at once.
 */
final class EndSignals implements AutoCloseable {
  private static final String[] NAMES = {"TERM", "INT", "HUP"};

  private final Map<Signal, SignalHandler> before = new LinkedHashMap<>();
  private final CountDownLatch came = new CountDownLatch(1);

  private EndSignals() {}

  /** Takes over the signals of this JVM, until closed or until the first one comes. */
  static EndSignals install() {
    EndSignals signals = new EndSignals();
    for (String name : NAMES) {
      signals.handle(new Signal(name));
    }
    return signals;
  }

  private synchronized void handle(Signal signal) {
    try {
      // A signal that is ignored from the start (nohup) stays ignored: the JVM sees to that.
      before.put(signal, Signal.handle(signal, unused -> end()));
    } catch (IllegalArgumentException reserved) {
      // The JVM keeps it (java -Xrs): then it ends the JVM, and with it the host.
    }
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
    before.forEach(Signal::handle);
    before.clear();
  }
}
