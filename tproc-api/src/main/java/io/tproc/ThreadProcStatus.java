package io.tproc;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.OptionalLong;

/**
 * One threadproc, as it was when {@link TprocHost#statuses()} asked: what {@code tproc ps} shows.
 *
 * @param pid its process id; another process may have it once the threadproc is closed
 * @param launched whether a launcher ({@code tproc-run}) asked for it; otherwise this JVM did, and
 *     there is a {@link ThreadProc} for it
 * @param launcher the launcher's process id; empty when there is no launcher, or one that has no
 *     pid here (another pid namespace)
 * @param uid the user who asked for it
 * @param state what it does
 * @param startedAt when it was started
 * @param uptime from its start to now, or to its end
 * @param mapped bytes of memory that it may access, in its slot and outside
 * @param resident bytes of these that are in memory
 * @param command its arguments from {@code argv[0]} on; of a command of more than 4096 bytes the
 *     beginning, and the last argument here may be a part of one
 * @param argumentCount how many arguments the whole command has
 * @param commandCut whether the command is longer than what is here
 */
public record ThreadProcStatus(
    long pid,
    boolean launched,
    OptionalLong launcher,
    long uid,
    State state,
    Instant startedAt,
    Duration uptime,
    long mapped,
    long resident,
    List<String> command,
    long argumentCount,
    boolean commandCut) {

  /** What a threadproc does. */
  public enum State {
    /** It runs, or waits for something. */
    RUNNING,
    /** A signal (SIGSTOP, SIGTSTP) or a debugger has stopped it. */
    STOPPED,
    /** It has ended, and its memory is still there: it has not been closed. */
    ENDED,
    /**
     * It runs or is stopped, but has executed another program, or found its fixed addresses taken
     * ({@link ThreadProcBuilder#spill}): since then it is an ordinary process with a memory of its
     * own.
     */
    LEFT
  }

  /** Copies the command; refuses null. */
  public ThreadProcStatus {
    Objects.requireNonNull(launcher, "launcher");
    Objects.requireNonNull(state, "state");
    Objects.requireNonNull(startedAt, "startedAt");
    Objects.requireNonNull(uptime, "uptime");
    command = List.copyOf(command);
  }
}
