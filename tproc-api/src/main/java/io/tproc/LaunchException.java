package io.tproc;

import io.tproc.spi.Printable;
import java.io.IOException;
import java.io.Serial;

/**
 * A program could not be hosted. The message names the step, the file and the cause: {@code cannot
 * host /x/y: PT_INTERP /lib/ld.so: No such file or directory (ENOENT)}. Nothing is left behind: no
 * process, no mapping, no descriptor.
 */
public final class LaunchException extends IOException {
  @Serial private static final long serialVersionUID = 1L;

  /** The positive error number, as in {@code errno.h}. */
  private final int errno;

  /**
   * Makes an exception.
   *
   * @param errno the positive error number, as in {@code errno.h}
   * @param message the step, the file and the cause
   */
  public LaunchException(int errno, String message) {
    super(Printable.text(message));
    this.errno = errno;
  }

  /**
   * The error number that {@code execve} would have given for the same program.
   *
   * @return a positive number, one of {@link Errno} or another of errno(3)
   */
  public int errno() {
    return errno;
  }
}
