package io.tproc.bench;

import com.google.gson.Gson;
import com.google.gson.JsonParseException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Figures in a file: a JSON object a line, so that a JVM that is started for a measurement adds its
 * own.
 */
final class Results {
  /** The property that names the file; without it, nothing is written. */
  static final String FILE = "tproc.bench.results";

  /** The property that names the benchmark that a JVM measures for. */
  static final String BENCHMARK = "tproc.bench.benchmark";

  /** What a line is about. */
  enum Kind {
    /** Where and when. */
    RUN,
    /** A figure beside a peer's. */
    RATIO,
    /** A figure of a plot. */
    POINT,
    /** Percentiles. */
    LATENCY
  }

  /**
   * Median, quartiles, and the number of rounds.
   *
   * @param median the median
   * @param low the lower quartile
   * @param high the upper quartile
   * @param n the number of rounds
   */
  record Spread(double median, double low, double high, int n) {
    static Spread of(Sample sample) {
      return new Spread(sample.median(), sample.low(), sample.high(), sample.values().length);
    }
  }

  /** A line. What its kind does not have is absent. */
  static final class Line {
    Kind kind = Kind.RUN;
    String benchmark = "";
    String what = "";
    String unit = "";
    String peer = "";
    String aim = "";
    @Nullable Spread figure;
    @Nullable Spread peerFigure;
    @Nullable Spread ratio;
    double x;
    double[] percentiles = {};

    /** What is the same in two runs of the same measurement. */
    String key() {
      return benchmark + ": " + what + ", of " + peer;
    }
  }

  private static final Gson GSON = new Gson();

  private Results() {}

  /** Begins a file anew. */
  static void begin(Path file, String machine) throws IOException {
    Files.deleteIfExists(file);
    Line line = new Line();
    line.what = machine;
    System.setProperty(FILE, file.toAbsolutePath().toString());
    add(line);
  }

  /** Adds a line, when a file is wanted. */
  static void add(Line line) {
    String file = System.getProperty(FILE, "");
    if (file.isEmpty()) {
      return;
    }
    try {
      Files.writeString(
          Path.of(file),
          GSON.toJson(line) + "\n",
          StandardOpenOption.CREATE,
          StandardOpenOption.APPEND);
    } catch (IOException failed) {
      throw new UncheckedIOException("write figures to " + file, failed);
    }
  }

  /** All lines of a file. */
  static List<Line> read(Path file) throws IOException {
    List<Line> lines = new ArrayList<>();
    for (String text : Files.readAllLines(file, StandardCharsets.UTF_8)) {
      try {
        lines.add(checked(GSON.fromJson(text, Line.class)));
      } catch (JsonParseException | IllegalArgumentException wrong) {
        throw new IOException(
            file + ", line " + (lines.size() + 1) + ": no figure of bench/run --json", wrong);
      }
    }
    if (lines.isEmpty() || lines.get(0).kind != Kind.RUN) {
      throw new IOException(file + ": not made by bench/run --json");
    }
    return lines;
  }

  private static Line checked(@Nullable Line line) {
    if (line == null || line.kind == null) {
      throw new IllegalArgumentException("nothing that is known");
    }
    return line;
  }
}
