package io.tproc.cli;

import java.util.Collection;
import java.util.List;

/** Words that may have been meant by a mistyped one. */
final class Typo {
  private static final int MOST_STEPS = 2;

  private Typo() {}

  /** Those that are a step or two away, and not longer than the way. */
  static List<String> of(String typed, Collection<String> words) {
    return words.stream()
        .filter(word -> steps(typed, word) <= Math.min(MOST_STEPS, word.length() - 1))
        .sorted()
        .toList();
  }

  /**
   * How many letters have to be added, left out, replaced, or exchanged with the next one (the
   * optimal string alignment distance).
   */
  static int steps(String from, String to) {
    int[][] steps = new int[from.length() + 1][to.length() + 1];
    for (int i = 0; i <= from.length(); i++) {
      for (int j = 0; j <= to.length(); j++) {
        steps[i][j] = i == 0 || j == 0 ? i + j : least(steps, from, i, to, j);
      }
    }
    return steps[from.length()][to.length()];
  }

  private static int least(int[][] steps, String from, int i, String to, int j) {
    int replaced = steps[i - 1][j - 1] + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
    int least = Math.min(replaced, 1 + Math.min(steps[i - 1][j], steps[i][j - 1]));
    boolean exchanged =
        i > 1
            && j > 1
            && from.charAt(i - 1) == to.charAt(j - 2)
            && from.charAt(i - 2) == to.charAt(j - 1);
    return exchanged ? Math.min(least, 1 + steps[i - 2][j - 2]) : least;
  }
}
