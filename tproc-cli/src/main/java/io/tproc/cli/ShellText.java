package io.tproc.cli;

import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Texts of others on a terminal: in the shell's own notation, so that they can be pasted back, and
 * without a byte that the terminal would obey.
 */
final class ShellText {
  private static final Pattern PLAIN = Pattern.compile("[\\p{L}\\p{N}_@%+=:,./~^-]+");
  private static final char ESCAPE = 0x1b;

  private ShellText() {}

  static String command(List<String> arguments) {
    return arguments.stream().map(ShellText::word).collect(Collectors.joining(" "));
  }

  /** One argument, quoted when it has to be. */
  static String word(String argument) {
    if (PLAIN.matcher(argument).matches()) {
      return argument;
    }
    if (argument.chars().anyMatch(ShellText::isControl)) {
      return "$'" + escaped(argument.replace("\\", "\\\\").replace("'", "\\'")) + "'";
    }
    return "'" + argument.replace("'", "'\\''") + "'";
  }

  /** A text without quotes: only what a terminal would obey is escaped. */
  static String escaped(String text) {
    StringBuilder safe = new StringBuilder();
    text.chars()
        .forEach(
            each -> {
              switch (each) {
                case '\n' -> safe.append("\\n");
                case '\t' -> safe.append("\\t");
                case '\r' -> safe.append("\\r");
                case ESCAPE -> safe.append("\\e");
                default -> {
                  if (isControl(each)) {
                    safe.append(String.format("\\u%04x", each));
                  } else {
                    safe.append((char) each);
                  }
                }
              }
            });
    return safe.toString();
  }

  /** Also the directions of writing, with which a text can pretend to be another. */
  private static boolean isControl(int character) {
    int type = Character.getType(character);
    return type == Character.CONTROL
        || type == Character.FORMAT
        || type == Character.LINE_SEPARATOR
        || type == Character.PARAGRAPH_SEPARATOR;
  }
}
