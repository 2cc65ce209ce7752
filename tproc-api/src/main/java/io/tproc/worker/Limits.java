package io.tproc.worker;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** Durations that users give, and deadlines that come of them. */
final class Limits {
  private Limits() {}

  static Duration positive(String what, Duration limit) {
    if (limit.isZero() || limit.isNegative()) {
      throw new IllegalArgumentException(what + " that is not positive: " + limit);
    }
    return limit;
  }

  static Duration notNegative(String what, Duration limit) {
    if (limit.isNegative()) {
      throw new IllegalArgumentException(what + " that is negative: " + limit);
    }
    return limit;
  }

  static int positive(String what, int number, int most) {
    if (number < 1 || number > most) {
      throw new IllegalArgumentException(what + " out of range 1-" + most + ": " + number);
    }
    return number;
  }

  /** As many as there can be of a duration; some 146 years, so that sums do not wrap. */
  static long nanos(Duration limit) {
    return Math.min(TimeUnit.NANOSECONDS.convert(limit), Long.MAX_VALUE / 2);
  }
}
