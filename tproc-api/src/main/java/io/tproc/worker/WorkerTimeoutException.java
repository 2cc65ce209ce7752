package io.tproc.worker;

import io.tproc.ExitStatus;
import java.io.Serial;

/** A request took longer than it may, and the worker that had it was killed for it. */
public final class WorkerTimeoutException extends WorkerCrashedException {
  @Serial private static final long serialVersionUID = 1L;

  WorkerTimeoutException(String message, long pid, ExitStatus exitStatus) {
    super(message, pid, exitStatus);
  }
}
