package io.tproc.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** The command line of {@code bench/compare}: what has become slower, or misses its bound. */
public final class Compare {
  /** A ratio that is higher by less than this part says nothing. */
  private static final double MARGIN = 0.15;

  private Compare() {}

  /** Two files of bench/run --json: older and newer. Exits with 1 when something is slower. */
  public static void main(String... arguments) {
    boolean bounds = arguments.length == 3 && arguments[0].equals("--bounds");
    if (arguments.length != 2 && !bounds) {
      System.err.println("usage: bench/compare OLD.json NEW.json, or --bounds FILE NEW.json");
      System.exit(2);
    }
    try {
      int worse =
          bounds
              ? checkBounds(Bounds.read(Path.of(arguments[1])), ratios(Path.of(arguments[2])))
              : compare(ratios(Path.of(arguments[0])), ratios(Path.of(arguments[1])));
      System.exit(worse == 0 ? 0 : 1);
    } catch (IOException failed) {
      System.err.println("bench/compare: " + failed.getMessage());
      System.exit(2);
    }
  }

  private static Map<String, Results.Spread> ratios(Path file) throws IOException {
    Map<String, Results.Spread> ratios = new TreeMap<>();
    for (Results.Line line : Results.read(file)) {
      if (line.kind == Results.Kind.RATIO && line.ratio != null) {
        ratios.put(line.key(), line.ratio);
      }
    }
    return ratios;
  }

  /** The number of those that are slower. */
  static int compare(Map<String, Results.Spread> old, Map<String, Results.Spread> now) {
    int slower = 0;
    for (Map.Entry<String, Results.Spread> entry : now.entrySet()) {
      Results.Spread before = old.get(entry.getKey());
      if (before != null) {
        String verdict = verdict(before, entry.getValue());
        slower += verdict.equals("SLOWER") ? 1 : 0;
        print(entry.getKey(), before.median(), entry.getValue().median(), verdict);
      }
    }
    now.keySet().stream()
        .filter(key -> !old.containsKey(key))
        .forEach(key -> System.out.println("only in the second: " + key));
    old.keySet().stream()
        .filter(key -> !now.containsKey(key))
        .forEach(key -> System.out.println("only in the first: " + key));
    return slower;
  }

  /** It differs when the medians are far enough apart and the middle halves do not overlap. */
  static String verdict(Results.Spread before, Results.Spread now) {
    if (now.median() > before.median() * (1 + MARGIN) && now.low() > before.high()) {
      return "SLOWER";
    }
    if (now.median() < before.median() / (1 + MARGIN) && now.high() < before.low()) {
      return "faster";
    }
    return "";
  }

  /** The number of those that are over their bound, or not measured. */
  static int checkBounds(List<Bounds.Bound> bounds, Map<String, Results.Spread> now) {
    int over = 0;
    for (Bounds.Bound bound : bounds) {
      Results.Spread ratio = now.get(bound.key());
      if (ratio == null) {
        System.out.println("not measured: " + bound.key());
        over++;
      } else if (ratio.median() > bound.most()) {
        System.out.printf(
            Locale.ROOT,
            "%s: ratio %.2f, and %.2f is too much%n",
            bound.key(),
            ratio.median(),
            bound.most());
        over++;
      }
    }
    return over;
  }

  private static void print(String key, double before, double now, String verdict) {
    System.out.printf(Locale.ROOT, "%-60s %8.2f %8.2f   %s%n", key, before, now, verdict);
  }
}
