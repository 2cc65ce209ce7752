package io.tproc.samples.flink;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** What happens in this JVM: a MiniCluster is in one, sources and operators alike. */
final class Counts {
  private static final AtomicLong read = new AtomicLong();
  private static final AtomicLong answered = new AtomicLong();
  private static final AtomicLong furthestAhead = new AtomicLong();
  private static final AtomicInteger crashes = new AtomicInteger();
  private static final AtomicInteger restarts = new AtomicInteger();

  private Counts() {}

  static void reset() {
    read.set(0);
    answered.set(0);
    furthestAhead.set(0);
    crashes.set(0);
    restarts.set(0);
  }

  /** The source has given a row to the job. */
  static void read() {
    long ahead = read.incrementAndGet() - answered.get();
    if (ahead > furthestAhead.get()) {
      furthestAhead.accumulateAndGet(ahead, Math::max);
    }
  }

  /** Workers have answered so many rows. */
  static void answered(int rows) {
    answered.addAndGet(rows);
  }

  static void crashed() {
    crashes.incrementAndGet();
  }

  static void restarted() {
    restarts.incrementAndGet();
  }

  static long rowsAnswered() {
    return answered.get();
  }

  /** The most rows that the source was ahead of the workers. */
  static long rowsAhead() {
    return furthestAhead.get();
  }

  static int crashes() {
    return crashes.get();
  }

  static int restarts() {
    return restarts.get();
  }
}
