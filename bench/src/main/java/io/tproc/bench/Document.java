package io.tproc.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** Writes docs/performance.md and its pictures from the figures of a run. */
public final class Document {
  private static final String PICTURES = "performance";

  private final List<Results.Line> lines;
  private final Path directory;
  private final StringBuilder text = new StringBuilder();

  private Document(List<Results.Line> lines, Path directory) {
    this.lines = lines;
    this.directory = directory;
  }

  /** A file of bench/run --json, and the directory of the document. */
  public static void main(String... arguments) {
    if (arguments.length != 2) {
      System.err.println("usage: bench/report --from FILE.json [DIRECTORY]");
      System.exit(2);
    }
    try {
      write(Path.of(arguments[0]), Path.of(arguments[1]));
    } catch (IOException failed) {
      System.err.println("bench/report: " + failed.getMessage());
      System.exit(1);
    }
  }

  static void write(Path figures, Path directory) throws IOException {
    new Document(Results.read(figures), directory).write();
  }

  private void write() throws IOException {
    Files.createDirectories(directory.resolve(PICTURES));
    introduction();
    launches();
    handOvers();
    many();
    memory();
    latencies();
    tables();
    Files.writeString(directory.resolve("performance.md"), text);
  }

  private void introduction() {
    paragraph("# Performance");
    paragraph(
        """
        Written by `bench/report`, which runs all benchmarks and draws what they print; nothing here is typed by hand.
        Each figure is the median of interleaved rounds, beside that of a peer in the same rounds; the ratio is the
        median of the rounds' ratios, and in brackets are their quartiles. The ratio is what counts: below 1, tproc is
        the quicker one. What should be, and what stands behind the rows, is in [measurements.md](measurements.md).""");
    paragraph("The run, and its machine:");
    paragraph("- " + lines.get(0).what.replace(", ", "\n- "));
  }

  private void launches() throws IOException {
    List<Results.Line> rows = ratios("launch");
    List<Results.Line> points = points("at-once");
    if (rows.isEmpty() && points.isEmpty()) {
      return;
    }
    paragraph("## Launches");
    if (!rows.isEmpty()) {
      bars("launch", "Start a program and wait for its end", "microseconds", rows, "threadproc");
    }
    curves("at-once", "Launches of /bin/true by many threads", "threads", points);
  }

  private void handOvers() throws IOException {
    List<Results.Line> points = points("handover");
    if (points.isEmpty()) {
      return;
    }
    paragraph("## Handing data over");
    paragraph(
        """
        Java has a direct buffer; somebody else sums it, word by word, and answers with the sum. A threadproc and a
        thread read it where it is. Through a pipe or a socket it is copied twice, into another's mapped file once.""");
    curves("handover", "A buffer of Java's, summed by another", "bytes", points);
  }

  private void many() throws IOException {
    List<Results.Line> points = points("many");
    if (!points.isEmpty()) {
      paragraph("## Many programs at once");
      curves("many", "Round trips of many programs at once", "programs", points);
    }
  }

  private void memory() throws IOException {
    List<Results.Line> rows = ratios("memory");
    if (!rows.isEmpty()) {
      paragraph("## Memory of a program");
      bars("memory", "Memory that an idle program takes (PSS)", "KiB", rows, "threadproc");
    }
  }

  private void latencies() throws IOException {
    List<Results.Line> rows = of(Results.Kind.LATENCY, "latency");
    if (rows.isEmpty()) {
      return;
    }
    paragraph("## Percentiles");
    List<String> names = new ArrayList<>();
    for (double percentile : Report.PERCENTILES) {
      names.add(percentile == 100 ? "worst" : "p" + Report.name(percentile));
    }
    Map<String, List<Double>> values = new LinkedHashMap<>();
    StringBuilder table = new StringBuilder("| microseconds | n |");
    names.forEach(name -> table.append(' ').append(name).append(" |"));
    table.append("\n|---|---|").append("---|".repeat(names.size()));
    for (Results.Line row : rows) {
      table.append("\n| ").append(row.what).append(" | ").append((long) row.x).append(" |");
      List<Double> all = new ArrayList<>();
      for (double value : row.percentiles) {
        all.add(value);
        table.append(' ').append(number(value)).append(" |");
      }
      values.put(row.what, all);
    }
    paragraph(table.toString());
    Plots.bars(picture("latency"), "Percentiles", "microseconds", names, values, true);
    paragraph("![Percentiles of single operations](" + PICTURES + "/latency.svg)");
  }

  private void tables() {
    paragraph("## All figures");
    Set<String> benchmarks = new LinkedHashSet<>();
    lines.stream()
        .filter(line -> line.kind == Results.Kind.RATIO)
        .forEach(line -> benchmarks.add(line.benchmark));
    for (String benchmark : benchmarks) {
      paragraph("### `bench/run " + benchmark + "`");
      paragraph(table(ratios(benchmark)));
    }
  }

  private static String table(List<Results.Line> rows) {
    StringBuilder table =
        new StringBuilder("| what | tproc | peer | ratio | n | aim |\n|---|---|---|---|---|---|");
    for (Results.Line row : rows) {
      if (row.figure == null || row.peerFigure == null || row.ratio == null) {
        continue;
      }
      table.append(
          String.format(
              Locale.ROOT,
              "\n| %s | %s %s | %s, %s %s | **%.2f** (%.2f–%.2f) | %d | %s |",
              row.what,
              number(row.figure.median()),
              row.unit,
              row.peer,
              number(row.peerFigure.median()),
              row.unit,
              row.ratio.median(),
              row.ratio.low(),
              row.ratio.high(),
              row.figure.n(),
              row.aim));
    }
    return table.toString();
  }

  private void curves(String name, String title, String xTitle, List<Results.Line> points)
      throws IOException {
    if (!points.isEmpty()) {
      Plots.curves(picture(name), title, xTitle, points.get(0).unit, points);
      paragraph("![" + title + "](" + PICTURES + "/" + name + ".svg)");
      paragraph(pointTable(xTitle, points));
    }
  }

  private static String pointTable(String xTitle, List<Results.Line> points) {
    Set<String> series = new LinkedHashSet<>();
    Map<Double, Map<String, Double>> rows = new LinkedHashMap<>();
    for (Results.Line point : points) {
      series.add(point.what);
      if (point.figure != null) {
        rows.computeIfAbsent(point.x, x -> new LinkedHashMap<>())
            .put(point.what, point.figure.median());
      }
    }
    StringBuilder table = new StringBuilder("| " + xTitle + ", " + points.get(0).unit + " |");
    series.forEach(name -> table.append(' ').append(name).append(" |"));
    table.append("\n|---|").append("---|".repeat(series.size()));
    rows.forEach(
        (x, values) -> {
          table.append("\n| ").append(x.longValue()).append(" |");
          series.forEach(
              name -> {
                Double value = values.get(name);
                table.append(' ').append(value == null ? "" : number(value)).append(" |");
              });
        });
    return table.toString();
  }

  /** Of each row tproc's figure and those of its peers. */
  private void bars(String name, String title, String unit, List<Results.Line> rows, String subject)
      throws IOException {
    Set<String> names = new LinkedHashSet<>();
    Map<String, Map<String, Double>> figures = new LinkedHashMap<>();
    figures.put(subject, new LinkedHashMap<>());
    for (Results.Line row : rows) {
      if (row.figure != null && row.peerFigure != null) {
        names.add(row.what);
        figures.get(subject).put(row.what, row.figure.median());
        figures
            .computeIfAbsent(row.peer, peer -> new LinkedHashMap<>())
            .put(row.what, row.peerFigure.median());
      }
    }
    Map<String, List<Double>> values = new LinkedHashMap<>();
    figures.forEach(
        (series, all) ->
            values.put(series, names.stream().map(what -> all.getOrDefault(what, 0.0)).toList()));
    Plots.bars(picture(name), title, unit, List.copyOf(names), values, false);
    paragraph("![" + title + "](" + PICTURES + "/" + name + ".svg)");
  }

  private List<Results.Line> ratios(String benchmark) {
    return of(Results.Kind.RATIO, benchmark);
  }

  private List<Results.Line> points(String benchmark) {
    return of(Results.Kind.POINT, benchmark);
  }

  private List<Results.Line> of(Results.Kind kind, String benchmark) {
    return lines.stream()
        .filter(line -> line.kind == kind && line.benchmark.equals(benchmark))
        .toList();
  }

  private Path picture(String name) {
    return directory.resolve(PICTURES).resolve(name + ".svg");
  }

  /** With three digits or so. */
  private static String number(double value) {
    if (value >= 100) {
      return String.format(Locale.ROOT, "%,.0f", value);
    }
    return String.format(Locale.ROOT, value >= 10 ? "%.1f" : "%.2f", value);
  }

  private void paragraph(String block) {
    text.append(text.length() == 0 ? "" : "\n").append(block).append('\n');
  }
}
