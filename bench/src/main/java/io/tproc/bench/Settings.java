package io.tproc.bench;

/**
 * How much is measured.
 *
 * @param quick only enough to see that it works
 */
record Settings(boolean quick) {
  /** A number of repetitions: the first one for figures, the second one for a quick run. */
  int count(int full, int inQuick) {
    return quick ? inQuick : full;
  }

  /** The argument that hands these settings to a JVM started for the measurement. */
  String asArgument() {
    return quick ? "quick" : "full";
  }

  /** The opposite of {@link #asArgument()}. */
  static Settings of(String argument) {
    return new Settings(argument.equals("quick"));
  }
}
