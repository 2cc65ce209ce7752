package io.tproc.bench;

import java.util.Locale;

/** Prints figures, one a line. */
final class Report {
  private Report() {}

  /** Announces a benchmark. */
  static void title(String name, String about) {
    System.out.println();
    System.out.println(name + ": " + about);
  }

  /**
   * A figure, that of its peer, and their ratio, with what the ratio should be ("" when that is
   * open).
   */
  static void ratio(
      String what, String unit, double figure, String peer, double peerFigure, String aim) {
    print(
        "%-32s %10.2f %s   %s %.2f %s   ratio %.2f",
        what, figure, unit, peer, peerFigure, unit, figure / peerFigure);
    System.out.println(aim.isEmpty() ? "" : "   (" + aim + ")");
  }

  /** Anything else. */
  static void line(String what, String text) {
    print("%-32s %s%n", what, text);
  }

  private static void print(String format, Object... arguments) {
    System.out.print("  " + String.format(Locale.ROOT, format, arguments));
    System.out.flush();
  }
}
