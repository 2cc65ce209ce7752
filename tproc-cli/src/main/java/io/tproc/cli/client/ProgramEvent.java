package io.tproc.cli.client;

import io.tproc.ExitStatus;
import io.tproc.ThreadProcStatus;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/** What a host tells who watches it. */
public sealed interface ProgramEvent {
  /**
   * A program has started.
   *
   * @param status with its command and its launcher; its memory is not counted yet
   */
  record Started(ThreadProcStatus status) implements ProgramEvent {}

  /**
   * A program has crashed, and its end comes next. Only of those that were started with a crash
   * report.
   *
   * @param pid its process id
   * @param where signal, address and place, in one line
   * @param registers in one line; empty without any
   * @param crashedAt its end
   */
  record Crashed(long pid, String where, String registers, Instant crashedAt)
      implements ProgramEvent {}

  /** What has come of a program's own execve. */
  enum Leaving {
    /** It has executed another program, and is an ordinary process since. */
    LEFT,
    /** It was started to stay, and was not let. */
    REFUSED,
    /** The fixed addresses that it needs were taken: it was an ordinary process from its start. */
    AT_START
  }

  /**
   * A program has left the address space, or wanted to.
   *
   * @param pid its process id
   * @param how what has come of it
   * @param seenAt when the host saw it
   */
  record Left(long pid, Leaving how, Instant seenAt) implements ProgramEvent {}

  /**
   * A program has ended.
   *
   * @param pid its process id
   * @param status empty when the host could not get to know it
   * @param endedAt when the host saw it
   * @param uptime from its start to its end
   */
  record Ended(long pid, Optional<ExitStatus> status, Instant endedAt, Duration uptime)
      implements ProgramEvent {}
}
