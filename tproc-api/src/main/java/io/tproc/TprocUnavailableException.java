package io.tproc;

import io.tproc.spi.Printable;
import java.io.Serial;

/**
 * This JVM cannot be a host. The message says what is missing (a dependency, a native library, a
 * system call that the machine forbids) and what to do about it.
 */
public final class TprocUnavailableException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  /**
   * Makes an exception without a cause.
   *
   * @param message what is missing, and what to do about it
   */
  public TprocUnavailableException(String message) {
    super(Printable.text(message));
  }

  /**
   * Makes an exception with a cause.
   *
   * @param message what is missing, and what to do about it
   * @param cause the failure that caused it
   */
  public TprocUnavailableException(String message, Throwable cause) {
    super(Printable.text(message), cause);
  }
}
