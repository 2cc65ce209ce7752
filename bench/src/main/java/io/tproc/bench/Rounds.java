package io.tproc.bench;

import java.io.IOException;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Measures several subjects in turn, round by round, so that what else happens on the machine meets
 * all of them alike.
 */
final class Rounds {
  /** Measures a subject once. */
  interface Subject {
    /** One figure. */
    double measure() throws IOException, InterruptedException;
  }

  /** What takes longer than this has fewer rounds, on a slow machine above all ... */
  private static final long ENOUGH_NANOSECONDS = TimeUnit.SECONDS.toNanos(8);

  /** ... but no fewer than these. */
  private static final int ROUNDS_MIN = 3;

  private Rounds() {}

  /**
   * The figures of each subject. Every other round goes the other way round.
   *
   * @param rounds so many at most
   */
  static Sample[] measure(int rounds, Subject... subjects)
      throws IOException, InterruptedException {
    return measure(System::nanoTime, rounds, subjects);
  }

  static Sample[] measure(LongSupplier clock, int rounds, Subject... subjects)
      throws IOException, InterruptedException {
    double[][] figures = new double[subjects.length][rounds];
    long begin = clock.getAsLong();
    int round = 0;
    while (round < rounds
        && (round < ROUNDS_MIN || clock.getAsLong() - begin < ENOUGH_NANOSECONDS)) {
      for (int i = 0; i < subjects.length; i++) {
        int which = round % 2 == 0 ? i : subjects.length - 1 - i;
        figures[which][round] = subjects[which].measure();
      }
      round++;
    }
    int measured = round;
    return Arrays.stream(figures)
        .map(each -> new Sample(Arrays.copyOf(each, measured)))
        .toArray(Sample[]::new);
  }
}
