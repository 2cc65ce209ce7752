package io.tproc.bench;

import java.util.Locale;
import org.HdrHistogram.Histogram;

/** Prints figures, one a line, and adds them to the results. */
final class Report {
  /** The percentiles of a latency; the last one is the worst case. */
  static final double[] PERCENTILES = {50, 90, 99, 99.9, 100};

  private Report() {}

  /** Announces a benchmark. */
  static void title(String name, String about) {
    System.setProperty(Results.BENCHMARK, name);
    System.out.println();
    System.out.println(name + ": " + about);
  }

  /**
   * A figure, that of its peer, and the median of their ratios in each round, with what the ratio
   * should be ("" when that is open).
   */
  static void ratio(
      String what, String unit, Sample figure, String peer, Sample peerFigure, String aim) {
    Sample each = figure.over(peerFigure);
    print(
        "  %-32s %10.2f %s   %s %.2f %s   ratio %.2f",
        what, figure.median(), unit, peer, peerFigure.median(), unit, each.median());
    print(each.values().length > 1 ? " (%.2f to %.2f)" : "", each.low(), each.high());
    System.out.println(aim.isEmpty() ? "" : "   (" + aim + ")");
    Results.Line line = line(Results.Kind.RATIO, what, unit);
    line.peer = peer;
    line.aim = aim;
    line.figure = Results.Spread.of(figure);
    line.peerFigure = Results.Spread.of(peerFigure);
    line.ratio = Results.Spread.of(each);
    Results.add(line);
  }

  /** As {@link #ratio(String, String, Sample, String, Sample, String)}, of figures taken once. */
  static void ratio(
      String what, String unit, double figure, String peer, double peerFigure, String aim) {
    ratio(what, unit, new Sample(figure), peer, new Sample(peerFigure), aim);
  }

  /** A figure of a curve: of a series, at x. */
  static void point(String series, double x, String unit, Sample figure) {
    print("  %-32s %10.0f   %12.2f %s", series, x, figure.median(), unit);
    print(figure.values().length > 1 ? " (%.2f to %.2f)%n" : "%n", figure.low(), figure.high());
    Results.Line line = line(Results.Kind.POINT, series, unit);
    line.x = x;
    line.figure = Results.Spread.of(figure);
    Results.add(line);
  }

  /** The percentiles of what took so many nanoseconds, in microseconds. */
  static void latency(String what, Histogram histogram) {
    Results.Line line = line(Results.Kind.LATENCY, what, "us");
    line.percentiles = new double[PERCENTILES.length];
    print("  %-32s n %d", what, histogram.getTotalCount());
    for (int i = 0; i < PERCENTILES.length; i++) {
      line.percentiles[i] = histogram.getValueAtPercentile(PERCENTILES[i]) / 1e3;
      print("  p%s %.1f us", name(PERCENTILES[i]), line.percentiles[i]);
    }
    System.out.println();
    line.x = histogram.getTotalCount();
    Results.add(line);
  }

  /** "99.9", "50". */
  static String name(double percentile) {
    return percentile == Math.rint(percentile)
        ? Integer.toString((int) percentile)
        : Double.toString(percentile);
  }

  /** Anything else. */
  static void line(String what, String text) {
    print("  %-32s %s%n", what, text);
  }

  private static Results.Line line(Results.Kind kind, String what, String unit) {
    Results.Line line = new Results.Line();
    line.kind = kind;
    line.benchmark = System.getProperty(Results.BENCHMARK, "");
    line.what = what;
    line.unit = unit;
    return line;
  }

  private static void print(String format, Object... arguments) {
    System.out.print(String.format(Locale.ROOT, format, arguments));
    System.out.flush();
  }
}
