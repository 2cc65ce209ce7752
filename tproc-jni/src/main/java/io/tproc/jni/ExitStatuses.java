package io.tproc.jni;

import io.tproc.ExitStatus;
import io.tproc.ExitStatus.Exited;
import io.tproc.ExitStatus.Signalled;

/** Exit statuses from the core's {@code struct tproc_exit}. */
final class ExitStatuses {
  private static final int TPROC_EXITED = 1;
  private static final int TPROC_SIGNALLED = 2;
  private static final int TPROC_CORE_DUMPED = 3;

  private ExitStatuses() {}

  static ExitStatus of(long kind, long status) {
    int value = Math.toIntExact(status);
    return switch (Math.toIntExact(kind)) {
      case TPROC_EXITED -> new Exited(value);
      case TPROC_SIGNALLED -> new Signalled(value, false);
      case TPROC_CORE_DUMPED -> new Signalled(value, true);
      default -> throw new IllegalArgumentException("unknown kind of exit: " + kind);
    };
  }
}
