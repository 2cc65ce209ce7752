package io.tproc;

/** Linux signal numbers by name; x86_64 and aarch64 have the same ones (signal(7)). */
final class SignalNames {
  private static final String[] STANDARD = {
    "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE",
    "SIGKILL", "SIGUSR1", "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT",
    "SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU",
    "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR", "SIGSYS"
  };

  /**
   * As programs see it: glibc and musl keep 32 and 33 (musl also 34) for themselves; glibc's
   * numbering is the known one.
   */
  private static final int SIGRTMIN = 34;

  static final int SIGRTMAX = 64;

  private SignalNames() {}

  static String of(int signal) {
    if (signal >= 1 && signal <= STANDARD.length) {
      return STANDARD[signal - 1];
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
}
