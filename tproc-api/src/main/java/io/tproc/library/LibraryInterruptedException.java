package io.tproc.library;

import io.tproc.ExitStatus;
import java.io.Serial;
import java.util.Optional;

/**
 * A thread was interrupted while a call of its did not return, and the library was ended for it.
 * The thread's interrupt status is kept.
 */
public final class LibraryInterruptedException extends LibraryCrashedException {
  @Serial private static final long serialVersionUID = 1L;

  LibraryInterruptedException(String message, ExitStatus exitStatus) {
    super(message, exitStatus, Optional.empty());
  }
}
