package io.tproc.cli;

import java.time.Duration;
import java.util.Locale;

/** Quantities for people. */
final class Units {
  private static final String SUFFIXES = "KMGTPE";
  private static final int STEP = 1024;
  private static final int ONE_DIGIT = 10;

  private Units() {}

  /** Bytes as {@code ls -h} has them: {@code 512}, {@code 4.0K}, {@code 17G}. */
  static String bytes(long bytes) {
    if (bytes < STEP) {
      return Long.toString(bytes);
    }
    double scaled = bytes;
    int suffix = -1;
    while (scaled >= STEP && suffix < SUFFIXES.length() - 1) {
      scaled /= STEP;
      suffix++;
    }
    String format = scaled < ONE_DIGIT ? "%.1f%c" : "%.0f%c";
    return String.format(Locale.ROOT, format, scaled, SUFFIXES.charAt(suffix));
  }

  /** A time as {@code ps -o etime} has it: {@code [[days-]hours:]minutes:seconds}. */
  static String time(Duration time) {
    String tail =
        String.format(Locale.ROOT, "%02d:%02d", time.toMinutesPart(), time.toSecondsPart());
    if (time.toHours() == 0) {
      return tail;
    }
    String hours = String.format(Locale.ROOT, "%02d:%s", time.toHoursPart(), tail);
    return time.toDays() == 0 ? hours : time.toDays() + "-" + hours;
  }
}
