package io.tproc.library;

import java.util.function.BooleanSupplier;

/** Waits busily for a short while: longer where that has paid, shorter where it has not. */
final class Spin {
  /**
   * Longest time, in nanoseconds; 0 with a single processor, where the other side would not run.
   */
  static final long LIMIT = Runtime.getRuntime().availableProcessors() > 1 ? 20_000 : 0;

  private static final long LEAST = 1_000;
  private static final int PAUSES_BETWEEN_LOOKS = 32;

  private long nanoseconds = LIMIT;

  /** Whether the condition has come to hold in time. */
  boolean until(BooleanSupplier condition) {
    if (LIMIT == 0) {
      return condition.getAsBoolean();
    }
    boolean held = spin(condition);
    nanoseconds = held ? Math.min(nanoseconds * 2, LIMIT) : Math.max(nanoseconds / 2, LEAST);
    return held;
  }

  private boolean spin(BooleanSupplier condition) {
    long start = System.nanoTime();
    do {
      for (int i = 0; i < PAUSES_BETWEEN_LOOKS; i++) {
        if (condition.getAsBoolean()) {
          return true;
        }
        Thread.onSpinWait();
      }
    } while (System.nanoTime() - start < nanoseconds);
    return false;
  }
}
