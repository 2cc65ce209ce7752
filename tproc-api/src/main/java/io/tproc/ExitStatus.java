package io.tproc;

/**
 * How a threadproc ended: it called exit, or a signal killed it.
 *
 * <p>Immutable; equal when they say the same.
 */
public sealed interface ExitStatus {
  /**
   * The value that {@link Process#exitValue()} gives for this end.
   *
   * @return the exit code, or 128 plus the number of the signal
   */
  int exitValue();

  /**
   * The program called {@code exit}, or returned from {@code main}.
   *
   * @param code 0 to 255
   */
  record Exited(int code) implements ExitStatus {
    private static final int CODE_MAX = 255;

    /**
     * Checks the code.
     *
     * @throws IllegalArgumentException when the code is not one that Linux reports
     */
    public Exited {
      if (code < 0 || code > CODE_MAX) {
        throw new IllegalArgumentException("exit code out of range 0-255: " + code);
      }
    }

    @Override
    public int exitValue() {
      return code;
    }

    @Override
    public String toString() {
      return "Exited(" + code + ")";
    }
  }

  /**
   * A signal killed the program.
   *
   * @param signal the signal's Linux number, 1 to 64
   * @param coreDumped whether the kernel wrote a core dump
   */
  record Signalled(int signal, boolean coreDumped) implements ExitStatus {
    /** What shells and the JDK add to a signal's number. */
    private static final int SIGNAL_BASE = 128;

    /**
     * Checks the signal.
     *
     * @throws IllegalArgumentException when there is no such signal
     */
    public Signalled {
      if (signal < 1 || signal > Signals.SIGRTMAX) {
        throw new IllegalArgumentException("signal out of range 1-64: " + signal);
      }
    }

    /**
     * The signal's name.
     *
     * @return {@code SIGSEGV}, {@code SIGKILL}, {@code SIGRTMIN+3}, …
     */
    public String signalName() {
      return Signals.name(signal);
    }

    @Override
    public int exitValue() {
      return SIGNAL_BASE + signal;
    }

    @Override
    public String toString() {
      return "Signalled(" + signalName() + (coreDumped ? ", core dumped)" : ")");
    }
  }
}
