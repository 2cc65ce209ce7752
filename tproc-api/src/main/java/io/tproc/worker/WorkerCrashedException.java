package io.tproc.worker;

import io.tproc.ExitStatus;
import java.io.Serial;

/**
 * A worker has ended while it had the request: it crashed, called {@code exit}, stopped serving, or
 * was ended on purpose. What it has done of the request is unknown; it does nothing more.
 */
public class WorkerCrashedException extends WorkerException {
  @Serial private static final long serialVersionUID = 1L;

  private final transient ExitStatus exitStatus;

  WorkerCrashedException(String message, long pid, ExitStatus exitStatus) {
    super(message, pid);
    this.exitStatus = exitStatus;
  }

  /**
   * How the worker ended.
   *
   * @return {@link ExitStatus.Exited} when it called {@code exit}
   */
  public ExitStatus exitStatus() {
    return exitStatus;
  }
}
