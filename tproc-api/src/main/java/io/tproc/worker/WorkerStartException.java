package io.tproc.worker;

import io.tproc.spi.Printable;
import java.io.IOException;
import java.io.Serial;
import org.jspecify.annotations.Nullable;

/**
 * No worker serves: a program cannot be started, ended before it served, or does not begin to serve
 * ({@code tproc_serve}) in time. The message says which, and how it ended.
 */
public final class WorkerStartException extends IOException {
  @Serial private static final long serialVersionUID = 1L;

  WorkerStartException(String message, @Nullable Throwable cause) {
    super(Printable.text(message), cause);
  }
}
