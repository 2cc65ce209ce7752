package io.tproc.spi;

import java.io.File;
import java.lang.ProcessBuilder.Redirect;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What to start, and with what. Immutable.
 *
 * @param command the program and its arguments; at least one element. The program is a path when it
 *     has a {@code '/'}, else a name to be looked up in the host's {@code PATH}
 * @param environment the whole environment; nothing is inherited
 * @param directory the working directory, or {@code null} for the host's. A relative program path
 *     is resolved in it
 * @param input where standard input comes from: PIPE, INHERIT or a file to read
 * @param output where standard output goes: PIPE, INHERIT or a file to write or to append to
 * @param error where standard error goes, in the same way; without meaning when {@code
 *     redirectErrorStream} is true
 * @param redirectErrorStream whether standard error goes where standard output goes
 * @param umask 0 to 0777, or {@link #INHERIT_UMASK}
 * @param crashReport whether the program is traced, for a {@link io.tproc.CrashReport} of its end
 * @param stay whether the program may not execute another one in its place
 * @param neverForks whether fork() fails in the program, and others' forks do not copy its memory
 * @param spill whether it becomes an ordinary process where its fixed addresses are taken
 * @param heapLimit bytes of the shared heap that it and its forked children may own, or {@link
 *     #NO_LIMIT}
 * @param state what else it starts with
 */
public record LaunchRequest(
    List<String> command,
    Map<String, String> environment,
    @Nullable File directory,
    Redirect input,
    Redirect output,
    Redirect error,
    boolean redirectErrorStream,
    int umask,
    boolean crashReport,
    boolean stay,
    boolean neverForks,
    boolean spill,
    long heapLimit,
    StartState state) {
  /** The value of {@link #umask()} that keeps the host's. */
  public static final int INHERIT_UMASK = -1;

  /** The value of {@link #heapLimit()} that sets none. */
  public static final long NO_LIMIT = 0;

  /** The highest umask: all permission bits. */
  public static final int UMASK_MAX = 0777;

  /**
   * Copies the command and the environment.
   *
   * @throws NullPointerException when a component other than the directory, or an element of one,
   *     is null
   * @throws IllegalArgumentException when the command is empty, the umask is out of range, or the
   *     limit negative
   */
  public LaunchRequest {
    command = List.copyOf(command);
    environment = Map.copyOf(environment);
    Objects.requireNonNull(input, "input");
    Objects.requireNonNull(output, "output");
    Objects.requireNonNull(error, "error");
    Objects.requireNonNull(state, "state");
    if (command.isEmpty()) {
      throw new IllegalArgumentException("a command without words: its first one is the program");
    }
    if (umask < INHERIT_UMASK || umask > UMASK_MAX) {
      throw new IllegalArgumentException(
          "umask out of range 0-0777: 0" + Integer.toOctalString(umask));
    }
    if (heapLimit < 0) {
      throw new IllegalArgumentException("a negative limit: " + heapLimit);
    }
  }

  /**
   * The program: the first element of the command.
   *
   * @return a path when it has a {@code '/'}, else a name to be looked up in the host's {@code
   *     PATH}
   */
  public String program() {
    return command.get(0);
  }
}
