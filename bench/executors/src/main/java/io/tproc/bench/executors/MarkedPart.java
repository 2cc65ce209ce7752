package io.tproc.bench.executors;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** The generated part of a document: what is between the two comments that name it. */
final class MarkedPart {
  private MarkedPart() {}

  /**
   * Replaces it; all else stays as it is.
   *
   * @throws IOException when the document has not both comments, once and in their order; it stays
   *     as it was
   */
  static void replace(Path document, String name, String part) throws IOException {
    List<String> lines = Files.readAllLines(document);
    int begin = only(document, lines, "<!-- " + name + ": begin");
    int end = only(document, lines, "<!-- " + name + ": end");
    if (end < begin) {
      throw new IOException(document + ": the part " + name + " ends before it begins");
    }
    List<String> all =
        Stream.of(
                lines.subList(0, begin + 1),
                part.lines().toList(),
                lines.subList(end, lines.size()))
            .flatMap(List::stream)
            .toList();
    Files.write(document, all);
  }

  private static int only(Path document, List<String> lines, String start) throws IOException {
    int[] places =
        IntStream.range(0, lines.size()).filter(i -> lines.get(i).startsWith(start)).toArray();
    if (places.length != 1) {
      throw new IOException(
          document + ": " + places.length + " lines that begin with '" + start + "', not one");
    }
    return places[0];
  }
}
