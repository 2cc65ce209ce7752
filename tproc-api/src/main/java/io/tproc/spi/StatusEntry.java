package io.tproc.spi;

import io.tproc.ThreadProcStatus;
import io.tproc.ThreadProcStatus.State;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.charset.Charset;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/**
 * Decodes a struct wire_threadproc with its command.
 *
 * @param charset of the command
 */
record StatusEntry(Charset charset) implements ListingEntries.Decoder<ThreadProcStatus> {
  static final int FIXED_SIZE = 64;

  private static final int PID_AT = 4;
  private static final int LAUNCHER_AT = 8;
  private static final int UID_AT = 12;
  private static final int STATE_AT = 16;
  private static final int FLAGS_AT = 20;
  private static final int ARGUMENT_COUNT_AT = 24;
  private static final int COMMAND_SIZE_AT = 28;
  private static final int STARTED_AT = 32;
  private static final int UPTIME_AT = 40;
  private static final int MAPPED_AT = 48;
  private static final int RESIDENT_AT = 56;
  private static final int COMMAND_CUT = 1;

  /** In the order of enum wire_state, which begins at 1. */
  private static final State[] STATES = {State.RUNNING, State.STOPPED, State.ENDED, State.LEFT};

  @Override
  public ThreadProcStatus decode(ByteBuffer entry) throws ProtocolException {
    int launcher = entry.getInt(LAUNCHER_AT);
    return new ThreadProcStatus(
        entry.getInt(PID_AT),
        launcher != 0,
        launcher > 0 ? OptionalLong.of(launcher) : OptionalLong.empty(),
        Integer.toUnsignedLong(entry.getInt(UID_AT)),
        state(entry.getInt(STATE_AT)),
        Instant.ofEpochSecond(0, entry.getLong(STARTED_AT)),
        Duration.ofNanos(entry.getLong(UPTIME_AT)),
        entry.getLong(MAPPED_AT),
        entry.getLong(RESIDENT_AT),
        arguments(ListingEntries.text(entry, FIXED_SIZE, entry.getInt(COMMAND_SIZE_AT))),
        Integer.toUnsignedLong(entry.getInt(ARGUMENT_COUNT_AT)),
        (entry.getInt(FLAGS_AT) & COMMAND_CUT) != 0);
  }

  private static State state(int number) throws ProtocolException {
    if (number < 1 || number > STATES.length) {
      throw new ProtocolException("a threadproc in state " + Integer.toUnsignedString(number));
    }
    return STATES[number - 1];
  }

  private List<String> arguments(byte[] block) throws ProtocolException {
    if (block.length > 0 && block[block.length - 1] != 0) {
      throw new ProtocolException("a command that does not end");
    }
    List<String> arguments = new ArrayList<>();
    int start = 0;
    for (int i = 0; i < block.length; i++) {
      if (block[i] == 0) {
        arguments.add(new String(block, start, i - start, charset));
        start = i + 1;
      }
    }
    return arguments;
  }
}
