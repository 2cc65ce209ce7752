package io.tproc.python;

import io.tproc.spi.Printable;
import java.io.IOException;
import java.io.Serial;
import org.jspecify.annotations.Nullable;

/**
 * There is no Python that could serve: the program is missing, is none, is too old, or cannot be
 * hosted as often as is wanted. The message says which, and what to do.
 */
public final class PythonStartException extends IOException {
  @Serial private static final long serialVersionUID = 1L;

  PythonStartException(String message, @Nullable Throwable cause) {
    super(Printable.text(message), cause);
  }
}
