package io.tproc.library;

import io.tproc.ExitStatus;
import java.io.Serial;
import java.util.Optional;

/** A call did not return in the time it was given, and the library was ended for it. */
public final class LibraryTimeoutException extends LibraryCrashedException {
  @Serial private static final long serialVersionUID = 1L;

  LibraryTimeoutException(String message, ExitStatus exitStatus) {
    super(message, exitStatus, Optional.empty());
  }
}
