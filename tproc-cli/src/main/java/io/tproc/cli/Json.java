package io.tproc.cli;

/** The little of JSON (RFC 8259) that is written here. */
final class Json {
  private static final int FIRST_PRINTABLE = 0x20;

  private Json() {}

  static String member(String name, String value) {
    return string(name) + ": " + string(value);
  }

  static String string(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    for (char each : text.toCharArray()) {
      if (each == '"' || each == '\\') {
        quoted.append('\\').append(each);
      } else if (each < FIRST_PRINTABLE) {
        quoted.append(String.format("\\u%04x", (int) each));
      } else {
        quoted.append(each);
      }
    }
    return quoted.append('"').toString();
  }
}
