package io.tproc.cli.client;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * A threadproc of a listening host (struct wire_threadproc).
 *
 * @param pid its process
 * @param state whether it runs
 * @param launcher the process that asked for it; 0: the host itself; -1: one in a pid namespace
 *     that the host cannot see
 * @param user the user id of who asked
 * @param started when
 * @param uptime from its start to now, or to its end
 * @param mapped bytes of address space
 * @param resident bytes of these that are in memory
 * @param command its arguments, from argv[0] on; what is not UTF-8 in them is U+FFFD here. Not all
 *     of them when {@code cut}
 * @param argumentCount how many arguments there are
 * @param cut whether {@code command} is only the beginning
 */
public record HostedProgram(
    int pid,
    State state,
    int launcher,
    long user,
    Instant started,
    Duration uptime,
    long mapped,
    long resident,
    List<String> command,
    long argumentCount,
    boolean cut) {
  /** Whether a program runs. */
  public enum State {
    RUNNING,
    STOPPED,
    ENDED
  }

  static final int FIXED_SIZE = 64;

  private static final int PID_AT = 4;
  private static final int LAUNCHER_AT = 8;
  private static final int USER_AT = 12;
  private static final int STATE_AT = 16;
  private static final int FLAGS_AT = 20;
  private static final int ARGUMENT_COUNT_AT = 24;
  private static final int COMMAND_SIZE_AT = 28;
  private static final int STARTED_AT = 32;
  private static final int UPTIME_AT = 40;
  private static final int MAPPED_AT = 48;
  private static final int RESIDENT_AT = 56;
  private static final int COMMAND_CUT = 1;

  /** Copies its list. */
  public HostedProgram {
    command = List.copyOf(command);
  }

  static HostedProgram of(ByteBuffer entry) throws ProtocolException {
    int state = entry.getInt(STATE_AT);
    if (state < 1 || state > State.values().length) {
      throw new ProtocolException("a threadproc in state " + Integer.toUnsignedString(state));
    }
    return new HostedProgram(
        entry.getInt(PID_AT),
        State.values()[state - 1],
        entry.getInt(LAUNCHER_AT),
        Integer.toUnsignedLong(entry.getInt(USER_AT)),
        Instant.ofEpochSecond(0, entry.getLong(STARTED_AT)),
        Duration.ofNanos(entry.getLong(UPTIME_AT)),
        entry.getLong(MAPPED_AT),
        entry.getLong(RESIDENT_AT),
        arguments(Entries.bytes(entry, FIXED_SIZE, entry.getInt(COMMAND_SIZE_AT))),
        Integer.toUnsignedLong(entry.getInt(ARGUMENT_COUNT_AT)),
        (entry.getInt(FLAGS_AT) & COMMAND_CUT) != 0);
  }

  private static List<String> arguments(byte[] block) throws ProtocolException {
    if (block.length > 0 && block[block.length - 1] != 0) {
      throw new ProtocolException("a command that does not end");
    }
    List<String> arguments = new ArrayList<>();
    int start = 0;
    for (int i = 0; i < block.length; i++) {
      if (block[i] == 0) {
        arguments.add(new String(block, start, i - start, StandardCharsets.UTF_8));
        start = i + 1;
      }
    }
    return arguments;
  }
}
