package io.tproc.worker;

import java.io.Serial;

/**
 * The worker's handler has refused the request, and goes on serving others: it returned a code, or
 * threw an exception of its own language. The message is what it says, in Python the traceback,
 * with escapes for what a terminal would obey; its lines stay.
 */
public final class WorkerFailedException extends WorkerException {
  @Serial private static final long serialVersionUID = 1L;

  /** {@code TPROC_EXCEPTION}: an exception of the program's language. */
  public static final int EXCEPTION = -1;

  private final int code;

  WorkerFailedException(String message, long pid, int code) {
    super(message, pid);
    this.code = code;
  }

  /**
   * What the handler returned.
   *
   * @return not 0: an error number of errno(3), a number of its own, or {@link #EXCEPTION}
   */
  public int code() {
    return code;
  }
}
