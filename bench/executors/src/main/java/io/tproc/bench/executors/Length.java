package io.tproc.bench.executors;

import java.util.List;

/** How long a measurement may take. */
enum Length {
  FULL(15, 200),
  SHORT(5, 100),
  /** One round, whose figures say little. */
  QUICK(1, 20);

  private final int rounds;
  private final int roundMilliseconds;

  Length(int rounds, int roundMilliseconds) {
    this.rounds = rounds;
    this.roundMilliseconds = roundMilliseconds;
  }

  static Length of(List<String> arguments) {
    if (arguments.contains("--quick")) {
      return QUICK;
    }
    return arguments.contains("--short") ? SHORT : FULL;
  }

  int rounds() {
    return rounds;
  }

  /** At least so long takes a round of one way. */
  int roundMilliseconds() {
    return roundMilliseconds;
  }
}
