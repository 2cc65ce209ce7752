package io.tproc;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;

/**
 * Linux's signals by number and by name; x86_64 and aarch64 have the same ones (signal(7)).
 *
 * @see ThreadProc#signal(int)
 * @see ExitStatus.Signalled
 */
public final class Signals {
  /** The terminal is gone. */
  public static final int SIGHUP = 1;

  /** {@code ^C}. */
  public static final int SIGINT = 2;

  /** {@code ^\}; dumps core. */
  public static final int SIGQUIT = 3;

  /** An instruction that does not exist. */
  public static final int SIGILL = 4;

  /** A breakpoint. */
  public static final int SIGTRAP = 5;

  /** {@code abort()}. */
  public static final int SIGABRT = 6;

  /** A page that is mapped and cannot be had, or a misaligned address. */
  public static final int SIGBUS = 7;

  /** An integer division by zero. */
  public static final int SIGFPE = 8;

  /** Ends the program; it can do nothing about it. */
  public static final int SIGKILL = 9;

  /** The program's own meaning. */
  public static final int SIGUSR1 = 10;

  /** A wild pointer. */
  public static final int SIGSEGV = 11;

  /** The program's own meaning. */
  public static final int SIGUSR2 = 12;

  /** A write to a pipe that has no reader. */
  public static final int SIGPIPE = 13;

  /** {@code alarm()} has run out. */
  public static final int SIGALRM = 14;

  /** A request to end. */
  public static final int SIGTERM = 15;

  /** Unused by Linux. */
  public static final int SIGSTKFLT = 16;

  /** A child has ended or stopped. */
  public static final int SIGCHLD = 17;

  /** Continues a stopped program. */
  public static final int SIGCONT = 18;

  /** Stops the program; it can do nothing about it. */
  public static final int SIGSTOP = 19;

  /** {@code ^Z}. */
  public static final int SIGTSTP = 20;

  /** A read from the terminal, in the background. */
  public static final int SIGTTIN = 21;

  /** A write to the terminal, in the background. */
  public static final int SIGTTOU = 22;

  /** Urgent data on a socket. */
  public static final int SIGURG = 23;

  /** More processor time than RLIMIT_CPU. */
  public static final int SIGXCPU = 24;

  /** A larger file than RLIMIT_FSIZE. */
  public static final int SIGXFSZ = 25;

  /** A timer of the program's own processor time. */
  public static final int SIGVTALRM = 26;

  /** A timer of its processor time, the kernel's included. */
  public static final int SIGPROF = 27;

  /** The terminal has another size. */
  public static final int SIGWINCH = 28;

  /** A descriptor is ready. */
  public static final int SIGIO = 29;

  /** The power fails. */
  public static final int SIGPWR = 30;

  /** A system call that is not allowed, or that does not exist. */
  public static final int SIGSYS = 31;

  /**
   * The first real-time signal, as glibc numbers them for programs: 32 and 33 are its own (musl
   * keeps 34 too).
   */
  public static final int SIGRTMIN = 34;

  /** The last real-time signal, and the last of all. */
  public static final int SIGRTMAX = 64;

  /** Without SIG, from number 1 on. */
  private static final List<String> NAMES =
      List.of(
          "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
          "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
          "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS");

  private static final Map<String, String> OTHER_NAMES =
      Map.of("IOT", "ABRT", "CLD", "CHLD", "POLL", "IO");

  private Signals() {}

  /**
   * The name of a signal.
   *
   * @param signal any number
   * @return {@code SIGSEGV}, {@code SIGRTMIN+3}, …; {@code SIG} and the number when it has no name
   */
  public static String name(int signal) {
    if (signal >= 1 && signal <= NAMES.size()) {
      return "SIG" + NAMES.get(signal - 1);
    }
    if (signal == SIGRTMIN) {
      return "SIGRTMIN";
    }
    if (signal == SIGRTMAX) {
      return "SIGRTMAX";
    }
    if (signal > SIGRTMIN && signal < SIGRTMAX) {
      return "SIGRTMIN+" + (signal - SIGRTMIN);
    }
    return "SIG" + signal;
  }

  /**
   * Understands what kill(1) does: {@code 9}, {@code KILL}, {@code SIGKILL}, {@code kill}, {@code
   * RTMIN+3}, {@code RTMAX-1}.
   *
   * @param text a name or a number
   * @return 1 to 64, or empty when there is no such signal
   */
  public static OptionalInt parse(String text) {
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
