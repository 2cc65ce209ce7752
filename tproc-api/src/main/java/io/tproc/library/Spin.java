package io.tproc.library;

import java.util.function.BooleanSupplier;

/**
 * Waits busily for a short while: longer where that has paid or would have, shorter where it has
 * not.
 */
final class Spin {
  /**
   * For so long at most, unless the user says otherwise: longer than a sleeper on another processor
   * takes to wake up, in a virtual machine, too, or two that wake each other would never spin.
   */
  static final long USUAL = 100_000;

  /** So that it can find out that it pays again. */
  static final long LEAST = 1_000;

  private static final int PAUSES_BETWEEN_LOOKS = 32;

  private final long limit;
  private long nanoseconds;

  /**
   * Spins for that long at most.
   *
   * @param limit in nanoseconds; 0 for never
   */
  Spin(long limit) {
    this.limit = limit;
    this.nanoseconds = limit;
  }

  /** What is asked for; but with a single processor the other side would not run meanwhile. */
  static long limit(long nanoseconds) {
    return Runtime.getRuntime().availableProcessors() > 1 ? nanoseconds : 0;
  }

  /** Whether the condition has come to hold in time. */
  boolean until(BooleanSupplier condition) {
    if (limit == 0) {
      return condition.getAsBoolean();
    }
    boolean held = spin(condition);
    if (held) {
      lengthen();
    }
    return held;
  }

  /** Learns from a wait that was slept through: how long it took. */
  void learn(long waited) {
    if (waited < limit) {
      lengthen();
    } else {
      nanoseconds = Math.min(limit, Math.max(nanoseconds / 2, LEAST));
    }
  }

  /** For how many nanoseconds it will spin the next time. */
  long nanoseconds() {
    return nanoseconds;
  }

  private void lengthen() {
    nanoseconds = nanoseconds > limit / 2 ? limit : nanoseconds * 2;
  }

  /** The clock costs as much as a few looks, so it is not asked before them. */
  private boolean spin(BooleanSupplier condition) {
    for (long start = 0; ; ) {
      for (int i = 0; i < PAUSES_BETWEEN_LOOKS; i++) {
        if (condition.getAsBoolean()) {
          return true;
        }
        Thread.onSpinWait();
      }
      long now = System.nanoTime();
      if (start == 0) {
        start = now;
      } else if (now - start >= nanoseconds) {
        return false;
      }
    }
  }
}
