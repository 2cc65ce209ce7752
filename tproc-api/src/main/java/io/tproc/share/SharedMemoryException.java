package io.tproc.share;

import io.tproc.Errno;
import io.tproc.spi.Printable;
import java.io.Serial;

/** The shared heap, or what lies in it, cannot give what was asked for. The message says why. */
public final class SharedMemoryException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  /** The positive error number, as in {@code errno.h}. */
  private final int errno;

  /**
   * Makes an exception.
   *
   * @param errno the positive error number, as in {@code errno.h}
   * @param message the step, the subject and the cause
   */
  public SharedMemoryException(int errno, String message) {
    super(Printable.text(message));
    this.errno = errno;
  }

  /**
   * The error number that libtproc gives for the same.
   *
   * @return a positive number, one of {@link Errno} or another of errno(3)
   */
  public int errno() {
    return errno;
  }
}
