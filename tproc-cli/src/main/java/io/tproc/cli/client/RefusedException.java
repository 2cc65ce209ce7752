package io.tproc.cli.client;

import java.io.IOException;

/** The host's answer is that it cannot, or does not want to. */
public final class RefusedException extends IOException {
  private static final long serialVersionUID = 1;

  private final int errno;

  RefusedException(int errno, String message) {
    super(message);
    this.errno = errno;
  }

  /** The reason as a Linux errno, positive. */
  public int errno() {
    return errno;
  }
}
