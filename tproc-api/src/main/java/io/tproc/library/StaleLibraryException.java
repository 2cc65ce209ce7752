package io.tproc.library;

import io.tproc.spi.Printable;
import java.io.Serial;

/**
 * A function, a callback or a library was used after the instance it belongs to has ended; the
 * message says how that ended. Nothing was called. What {@link ContainedLibrary#restart} made has
 * functions of its own.
 */
public final class StaleLibraryException extends IllegalStateException {
  @Serial private static final long serialVersionUID = 1L;

  StaleLibraryException(String message) {
    super(Printable.text(message));
  }
}
