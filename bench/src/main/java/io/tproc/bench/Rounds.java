package io.tproc.bench;

import java.io.IOException;
import java.util.Arrays;

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

  private Rounds() {}

  /** The figures of each subject. Every other round goes the other way round. */
  static Sample[] measure(int rounds, Subject... subjects)
      throws IOException, InterruptedException {
    double[][] figures = new double[subjects.length][rounds];
    for (int round = 0; round < rounds; round++) {
      for (int i = 0; i < subjects.length; i++) {
        int which = round % 2 == 0 ? i : subjects.length - 1 - i;
        figures[which][round] = subjects[which].measure();
      }
    }
    return Arrays.stream(figures).map(Sample::new).toArray(Sample[]::new);
  }
}
