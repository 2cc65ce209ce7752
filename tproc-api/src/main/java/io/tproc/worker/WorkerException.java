package io.tproc.worker;

import io.tproc.spi.Printable;
import java.io.Serial;

/** A request was not served. Which subclass it is says why; the JVM and other workers go on. */
public abstract class WorkerException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  private final long pid;

  WorkerException(String message, long pid) {
    super(Printable.lines(message));
    this.pid = pid;
  }

  /**
   * The worker that had the request.
   *
   * @return its process id
   */
  public long pid() {
    return pid;
  }
}
