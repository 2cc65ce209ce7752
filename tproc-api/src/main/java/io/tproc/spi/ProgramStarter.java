package io.tproc.spi;

import io.tproc.LaunchException;
import io.tproc.ThreadProc;
import java.io.IOException;
import java.time.Duration;

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

  /**
   * Has programs started ahead.
   *
   * @param request what of it bears on the program: its path, environment, directory and limits
   * @param count how many are to wait; 0 for none any more
   * @param ageMax after which one that waits is replaced; zero for never
   * @throws LaunchException when the program cannot be prepared; nothing is left behind
   * @throws IOException never by itself
   * @throws IllegalStateException when the host is closed
   * @throws UnsupportedOperationException when there are no prepared programs here
   */
  default void prepare(LaunchRequest request, int count, Duration ageMax) throws IOException {
    throw new UnsupportedOperationException("prepared programs");
  }

  /**
   * Has programs run ahead, until they say that they are ready to be started.
   *
   * @param request what of it bears on the program: its command, environment and directory
   * @param count how many are to wait; 0 for none any more
   * @param ageMax after which one that waits is replaced; zero for never
   * @param timeout how long each may take until it is ready
   * @throws LaunchException when the program cannot be prepared; nothing is left behind
   * @throws IOException never by itself
   * @throws IllegalStateException when the host is closed
   * @throws UnsupportedOperationException when there are no prepared programs here
   */
  default void prepareUntilReady(
      LaunchRequest request, int count, Duration ageMax, Duration timeout) throws IOException {
    throw new UnsupportedOperationException("prepared programs");
  }
}
