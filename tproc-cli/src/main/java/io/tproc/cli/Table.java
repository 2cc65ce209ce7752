package io.tproc.cli;

import com.google.common.base.Strings;
import java.util.ArrayList;
import java.util.List;

/** Lines of columns, each as wide as it has to be; the last one as it comes. */
final class Table {
  private static final String GAP = "  ";

  private final List<String[]> rows = new ArrayList<>();
  private final boolean[] toTheRight;

  /** A table with a heading; numbers' columns begin their heading with {@code '>'}. */
  Table(String... headings) {
    toTheRight = new boolean[headings.length];
    String[] first = headings.clone();
    for (int i = 0; i < first.length; i++) {
      toTheRight[i] = first[i].startsWith(">");
      first[i] = toTheRight[i] ? first[i].substring(1) : first[i];
    }
    rows.add(first);
  }

  void add(String... cells) {
    rows.add(cells.clone());
  }

  @Override
  public String toString() {
    int[] widths = new int[toTheRight.length];
    for (String[] row : rows) {
      for (int i = 0; i < widths.length; i++) {
        widths[i] = Math.max(widths[i], row[i].length());
      }
    }
    StringBuilder text = new StringBuilder();
    for (String[] row : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < widths.length; i++) {
        line.append(i == 0 ? "" : GAP);
        line.append(
            toTheRight[i]
                ? Strings.padStart(row[i], widths[i], ' ')
                : Strings.padEnd(row[i], widths[i], ' '));
      }
      text.append(line.toString().stripTrailing()).append(System.lineSeparator());
    }
    return text.toString();
  }
}
