package io.tproc.library;

import io.tproc.spi.Printable;
import java.io.Serial;

/**
 * A thread was interrupted before a call, or while it waited for its turn: for a free instance of a
 * pool, or for a thread of the library's; or it has waited for longer than {@link
 * LibraryBuilder#startLimit} to look for something. Nothing was called, and nothing has ended. The
 * thread's interrupt status is kept.
 */
public final class LibraryTurnException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  LibraryTurnException(String message) {
    super(Printable.text(message));
  }
}
