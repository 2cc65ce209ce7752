package io.tproc.library;

import io.tproc.spi.Printable;
import java.io.IOException;
import java.io.Serial;

/**
 * A library could not be loaded. The message has what the dynamic loader said, or how the library
 * ended while it was loaded. Nothing is left behind.
 */
public final class LibraryLoadException extends IOException {
  @Serial private static final long serialVersionUID = 1L;

  LibraryLoadException(String message) {
    super(Printable.text(message));
  }
}
