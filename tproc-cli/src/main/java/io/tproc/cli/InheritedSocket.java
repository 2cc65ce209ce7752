package io.tproc.cli;

import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/** A socket that this process was started with, as systemd's socket activation has it. */
final class InheritedSocket {
  /** The first of those that are passed on (SD_LISTEN_FDS_START). */
  static final int DESCRIPTOR = 3;

  private InheritedSocket() {}

  /**
   * Whether there is one.
   *
   * @throws ParameterException when there are several
   */
  static boolean isThere(CommandLine command) {
    int count = count(System::getenv, ProcessHandle.current().pid());
    if (count > 1) {
      throw new ParameterException(
          command, "LISTEN_FDS is " + count + ", and a host listens at one socket");
    }
    return count == 1;
  }

  /** How many are meant for the process of that pid, which is not so for those of its parent. */
  static int count(Function<String, @Nullable String> environment, long pid) {
    @Nullable String count = environment.apply("LISTEN_FDS");
    return Long.toString(pid).equals(environment.apply("LISTEN_PID"))
            && count != null
            && count.matches("[0-9]{1,4}")
        ? Integer.parseInt(count)
        : 0;
  }
}
