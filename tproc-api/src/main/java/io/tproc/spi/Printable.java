package io.tproc.spi;

import java.util.function.IntPredicate;

/** Names in messages: a file may be called anything, and a terminal obeys control characters. */
public final class Printable {
  private static final char ESCAPE = 0x1b;

  private Printable() {}

  /**
   * Escapes what a terminal would obey, also the directions of writing, with which a text can
   * pretend to be another. What has been escaped already stays as it is.
   *
   * @param text any text, for example a message with a name in it
   * @return the same on one line, with the escapes of a shell's {@code $'…'}
   */
  public static String text(String text) {
    return escaped(text, Printable::isControl);
  }

  /**
   * As {@link #text}, for what consists of lines, such as a traceback: they stay.
   *
   * @param text any text
   * @return the same, with its newlines and tabs as they are
   */
  public static String lines(String text) {
    return escaped(text, each -> isControl(each) && each != '\n' && each != '\t');
  }

  private static String escaped(String text, IntPredicate isEscaped) {
    if (text.codePoints().noneMatch(isEscaped)) {
      return text;
    }
    StringBuilder safe = new StringBuilder();
    text.codePoints()
        .forEach(
            each -> {
              if (isEscaped.test(each)) {
                safe.append(escape(each));
              } else {
                safe.appendCodePoint(each);
              }
            });
    return safe.toString();
  }

  private static String escape(int character) {
    return switch (character) {
      case '\n' -> "\\n";
      case '\t' -> "\\t";
      case '\r' -> "\\r";
      case ESCAPE -> "\\e";
      default -> String.format(character > 0xffff ? "\\U%08x" : "\\u%04x", character);
    };
  }

  /**
   * Whether it has no place in a message.
   *
   * @param character a code point; half of one that stands alone is a surrogate
   * @return whether a terminal would obey it, or not show it
   */
  public static boolean isControl(int character) {
    int type = Character.getType(character);
    return type == Character.CONTROL
        || type == Character.FORMAT
        || type == Character.SURROGATE
        || type == Character.LINE_SEPARATOR
        || type == Character.PARAGRAPH_SEPARATOR;
  }
}
