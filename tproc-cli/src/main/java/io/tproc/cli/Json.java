package io.tproc.cli;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.List;
import java.util.stream.Collectors;

/** The little of JSON (RFC 8259) that is written here. */
final class Json {
  private static final int FIRST_PRINTABLE = 0x20;
  private static final int LAST_ASCII = 0x7e;

  private Json() {}

  static String member(String name, String value) {
    return string(name) + ": " + string(value);
  }

  /**
   * A string in ASCII, so that it arrives whatever the terminal's or the pipe's encoding is. Half a
   * surrogate pair, which has no meaning, becomes U+FFFD.
   */
  static String string(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    for (int i = 0; i < text.length(); i++) {
      char each = text.charAt(i);
      if (each == '"' || each == '\\') {
        quoted.append('\\').append(each);
      } else if (each >= FIRST_PRINTABLE && each <= LAST_ASCII) {
        quoted.append(each);
      } else {
        quoted.append(String.format("\\u%04x", (int) (isHalfAlone(text, i) ? '\ufffd' : each)));
      }
    }
    return quoted.append('"').toString();
  }

  private static boolean isHalfAlone(String text, int at) {
    char each = text.charAt(at);
    if (Character.isHighSurrogate(each)) {
      return at + 1 == text.length() || !Character.isLowSurrogate(text.charAt(at + 1));
    }
    return Character.isLowSurrogate(each)
        && (at == 0 || !Character.isHighSurrogate(text.charAt(at - 1)));
  }

  /** An array with one line for each element, which is JSON already; ends with a newline. */
  static String array(List<String> elements) {
    if (elements.isEmpty()) {
      return "[]\n";
    }
    return elements.stream()
        .map(each -> "  " + each)
        .collect(Collectors.joining(",\n", "[\n", "\n]\n"));
  }

  /** An object on one line, built member by member. */
  static final class JsonObject {
    private final StringBuilder members = new StringBuilder();

    JsonObject add(String name, String value) {
      return addJson(name, string(value));
    }

    JsonObject add(String name, long value) {
      return addJson(name, Long.toString(value));
    }

    JsonObject add(String name, boolean value) {
      return addJson(name, Boolean.toString(value));
    }

    /** Up to three digits after the point. */
    JsonObject add(String name, double value) {
      return addJson(name, BigDecimal.valueOf(value).setScale(3, RoundingMode.HALF_UP).toString());
    }

    JsonObject addNull(String name) {
      return addJson(name, "null");
    }

    JsonObject addObjects(String name, List<JsonObject> values) {
      return addJson(
          name,
          values.stream().map(JsonObject::toString).collect(Collectors.joining(", ", "[", "]")));
    }

    JsonObject add(String name, List<String> values) {
      return addJson(
          name, values.stream().map(Json::string).collect(Collectors.joining(", ", "[", "]")));
    }

    private JsonObject addJson(String name, String value) {
      members.append(members.isEmpty() ? "" : ", ").append(string(name)).append(": ").append(value);
      return this;
    }

    @Override
    public String toString() {
      return "{" + members + "}";
    }
  }
}
