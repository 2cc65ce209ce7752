package io.tproc.library;

import java.io.Serial;

/**
 * A thread was interrupted while it waited for its turn: for a free instance of a pool, or for a
 * thread of the library's. Nothing was called, and nothing has ended. The thread's interrupt status
 * is kept.
 */
public final class LibraryTurnException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  LibraryTurnException(String message) {
    super(message);
  }
}
