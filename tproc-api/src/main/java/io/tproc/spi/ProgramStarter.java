package io.tproc.spi;

import io.tproc.LaunchException;
import io.tproc.ThreadProc;
import java.io.IOException;

/** What a {@link io.tproc.ThreadProcBuilder} hands its settings to. Thread-safe. */
@FunctionalInterface
public interface ProgramStarter {
  /**
   * Starts a program.
   *
   * @param request what to start; complete and free of {@code null}
   * @return the running threadproc
   * @throws LaunchException when the program cannot be hosted; nothing is left behind
   * @throws IOException when a pipe or a redirect cannot be opened; nothing is left behind
   * @throws IllegalStateException when the host is closed
   */
  ThreadProc start(LaunchRequest request) throws IOException;
}
