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
