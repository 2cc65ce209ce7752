package io.tproc.worker;

import java.util.OptionalLong;

/**
 * When a worker that has ended is started again: at once when it had served, otherwise after a
 * pause that doubles, and after so many starts in vain not at all. Used by one thread.
 */
final class BackOff {
  /**
   * How it is to be.
   *
   * @param firstNanos the pause after the first start in vain
   * @param longestNanos the longest pause
   * @param attempts how many starts in a row may be in vain; then it is given up
   */
  record Policy(long firstNanos, long longestNanos, int attempts) {}

  private final Policy policy;
  private int failures;
  private long pause;

  BackOff(Policy policy) {
    this.policy = policy;
    this.pause = policy.firstNanos;
  }

  /**
   * A worker has ended, or could not be started.
   *
   * @param hasServed whether it was of any use
   * @return for how many nanoseconds to pause; empty: no more
   */
  OptionalLong next(boolean hasServed) {
    if (hasServed) {
      failures = 0;
      pause = policy.firstNanos;
      return OptionalLong.of(0);
    }
    if (++failures >= policy.attempts) {
      return OptionalLong.empty();
    }
    long now = Math.min(pause, policy.longestNanos);
    pause = Math.min(2 * now, policy.longestNanos);
    return OptionalLong.of(now);
  }
}
