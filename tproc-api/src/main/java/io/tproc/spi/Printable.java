package io.tproc.spi;

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
    if (text.chars().noneMatch(Printable::isControl)) {
      return text;
    }
    StringBuilder safe = new StringBuilder();
    text.chars().forEach(each -> append(safe, each));
    return safe.toString();
  }

  private static void append(StringBuilder safe, int character) {
    switch (character) {
      case '\n' -> safe.append("\\n");
      case '\t' -> safe.append("\\t");
      case '\r' -> safe.append("\\r");
      case ESCAPE -> safe.append("\\e");
      default -> {
        if (isControl(character)) {
          safe.append(String.format("\\u%04x", character));
        } else {
          safe.append((char) character);
        }
      }
    }
  }

  /**
   * Whether it has no place in a message.
   *
   * @param character a UTF-16 unit
   * @return whether a terminal would obey it, or not show it
   */
  public static boolean isControl(int character) {
    int type = Character.getType(character);
    return type == Character.CONTROL
        || type == Character.FORMAT
        || type == Character.LINE_SEPARATOR
        || type == Character.PARAGRAPH_SEPARATOR;
  }
}
