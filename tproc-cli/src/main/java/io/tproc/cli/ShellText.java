package io.tproc.cli;

import io.tproc.spi.Printable;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Texts of others on a terminal: in the shell's own notation, so that they can be pasted back, and
 * without a byte that the terminal would obey.
 */
final class ShellText {
  private static final Pattern PLAIN = Pattern.compile("[\\p{L}\\p{N}_@%+=:,./~^-]+");

  private ShellText() {}

  static String command(List<String> arguments) {
    return arguments.stream().map(ShellText::word).collect(Collectors.joining(" "));
  }

  /** One argument, quoted when it has to be. */
  static String word(String argument) {
    if (PLAIN.matcher(argument).matches()) {
      return argument;
    }
    if (argument.codePoints().anyMatch(Printable::isControl)) {
      return "$'" + escaped(argument.replace("\\", "\\\\").replace("'", "\\'")) + "'";
    }
    return "'" + argument.replace("'", "'\\''") + "'";
  }

  /** A text without quotes: only what a terminal would obey is escaped. */
  static String escaped(String text) {
    return Printable.text(text);
  }
}
