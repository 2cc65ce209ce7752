package io.tproc.it;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * Deadlines, longer on slow machines: the system property {@code tproc.it.slow} is the factor (5 in
 * the aarch64 guest). And how often something is repeated: {@code tproc.it.rounds} is the part of
 * the rounds of a full run (a quarter in ./check without --all).
 */
final class Patience {
  private static final double FACTOR = Double.parseDouble(System.getProperty("tproc.it.slow", "1"));
  private static final double ROUNDS =
      Double.parseDouble(System.getProperty("tproc.it.rounds", "1"));
  private static final long POLL_NANOS = Duration.ofMillis(5).toNanos();

  private Patience() {}

  /** So many seconds of a usual machine. */
  static Duration seconds(double seconds) {
    return Duration.ofMillis((long) (seconds * 1000 * FACTOR));
  }

  /** Less of something on a slow machine or in a short run, but at least one. */
  static long scaled(long amount) {
    return Math.max(1, (long) (amount * Math.min(ROUNDS, 1 / FACTOR)));
  }

  /** Polls until the condition holds or the time is over; says which. */
  static boolean until(Duration limit, BooleanSupplier condition) {
    long end = System.nanoTime() + limit.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        return false;
      }
      LockSupport.parkNanos(POLL_NANOS);
    }
    return true;
  }

  /**
   * Polls until the supplier gives an empty text; fails with the last text when the time is over.
   */
  static void untilNothingToComplainOf(Duration limit, Supplier<String> complaint) {
    String[] last = {""};
    boolean content =
        until(
            limit,
            () -> {
              last[0] = complaint.get();
              return last[0].isEmpty();
            });
    if (!content) {
      throw new AssertionError(last[0]);
    }
  }
}
