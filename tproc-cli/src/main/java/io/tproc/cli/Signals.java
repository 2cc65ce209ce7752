package io.tproc.cli;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;

/** Signals by name or number; x86_64 and aarch64 have the same ones (signal(7)). */
final class Signals {
  static final int SIGTERM = 15;

  private static final List<String> NAMES =
      Arrays.asList(
          "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
          "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
          "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS");

  private static final Map<String, String> OTHER_NAMES =
      Map.of("IOT", "ABRT", "CLD", "CHLD", "POLL", "IO");

  /** As glibc numbers them for programs: 32 and 33 are its own. */
  private static final int SIGRTMIN = 34;

  private static final int SIGRTMAX = 64;

  private Signals() {}

  /**
   * Understands what kill(1) does: {@code 9}, {@code KILL}, {@code SIGKILL}, {@code kill}, {@code
   * RTMIN+3}, {@code RTMAX-1}.
   *
   * @return 1 to 64, or empty when there is no such signal
   */
  static OptionalInt parse(String text) {
    String name = text.toUpperCase(Locale.ROOT);
    if (name.startsWith("SIG")) {
      name = name.substring("SIG".length());
    }
    int standard = NAMES.indexOf(OTHER_NAMES.getOrDefault(name, name));
    if (standard >= 0) {
      return OptionalInt.of(standard + 1);
    }
    if (name.startsWith("RTMIN")) {
      return realTime(SIGRTMIN, name.substring("RTMIN".length()), '+');
    }
    if (name.startsWith("RTMAX")) {
      return realTime(SIGRTMAX, name.substring("RTMAX".length()), '-');
    }
    return text.matches("[0-9]{1,2}") ? inRange(1, Integer.parseInt(text)) : OptionalInt.empty();
  }

  private static OptionalInt realTime(int base, String offset, char sign) {
    if (offset.isEmpty()) {
      return OptionalInt.of(base);
    }
    if (offset.charAt(0) != sign || !offset.substring(1).matches("[0-9]{1,2}")) {
      return OptionalInt.empty();
    }
    return inRange(SIGRTMIN, base + Integer.parseInt(offset));
  }

  private static OptionalInt inRange(int lowest, int signal) {
    return signal >= lowest && signal <= SIGRTMAX ? OptionalInt.of(signal) : OptionalInt.empty();
  }
}
