package io.tproc.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Ratios that are too much on any machine: a line each, the ratio and what it is of. */
final class Bounds {
  /**
   * One of them.
   *
   * @param key as {@link Results.Line#key()}
   * @param most the highest ratio that is no sign of a fault
   */
  record Bound(String key, double most) {}

  private Bounds() {}

  static List<Bound> read(Path file) throws IOException {
    List<Bound> bounds = new ArrayList<>();
    for (String line : Files.readAllLines(file)) {
      if (!line.isBlank() && !line.startsWith("#")) {
        bounds.add(parsed(file, line.strip()));
      }
    }
    return bounds;
  }

  private static Bound parsed(Path file, String line) throws IOException {
    int space = line.indexOf(' ');
    try {
      return new Bound(
          line.substring(space + 1).strip(), Double.parseDouble(line.substring(0, space)));
    } catch (NumberFormatException | IndexOutOfBoundsException wrong) {
      throw new IOException(file + ": neither a comment nor a ratio and a name: " + line, wrong);
    }
  }
}
