package io.tproc.cli;

import io.tproc.Errno;

/** Exit codes as env(1), nohup(1) and other commands that run commands have them. */
final class ExitCodes {
  /** The command itself failed, or was used wrongly; the program was never tried. */
  static final int TPROC_FAILED = 125;

  /** The program was found but could not be run. */
  static final int CANNOT_RUN = 126;

  /** The program was not found. */
  static final int NOT_FOUND = 127;

  private ExitCodes() {}

  /** The code for a launch that failed with an errno. */
  static int ofLaunchFailure(int errno) {
    return errno == Errno.ENOENT ? NOT_FOUND : CANNOT_RUN;
  }
}
