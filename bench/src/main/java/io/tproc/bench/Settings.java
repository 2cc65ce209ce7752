package io.tproc.bench;

import java.util.Locale;

/**
 * How much is measured.
 *
 * @param length how long
 * @param everyJvm what depends on the JVM is measured on each JDK with each collector
 */
record Settings(Length length, boolean everyJvm) {
  /** How long it takes. */
  enum Length {
    /** For figures. */
    FULL,
    /** Enough to see a fault of speed. */
    SHORT,
    /** Only enough to see that it works. */
    QUICK
  }

  private static final int PART = 5;

  boolean quick() {
    return length == Length.QUICK;
  }

  /** A number of repetitions: the first one for figures, the second one for a quick run. */
  int count(int full, int inQuick) {
    return switch (length) {
      case FULL -> full;
      case SHORT -> Math.max(inQuick, full / PART);
      case QUICK -> inQuick;
    };
  }

  /** The argument that hands these settings to a JVM started for the measurement. */
  String asArgument() {
    return length.name().toLowerCase(Locale.ROOT);
  }

  /** The opposite of {@link #asArgument()}. */
  static Settings of(String argument) {
    return new Settings(Length.valueOf(argument.toUpperCase(Locale.ROOT)), false);
  }
}
