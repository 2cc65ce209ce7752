package io.tproc.jni;

import io.tproc.ThreadProcStatus;
import io.tproc.ThreadProcStatus.State;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.OptionalLong;

/** Turns what {@code status.c} returns into statuses. */
final class ThreadProcStatuses {
  /** Of each: pid, launcher, uid, state, start, uptime, mapped, resident, whether cut. */
  static final int NUMBERS = 9;

  /** In the order of enum tproc_state, which begins at 1. */
  private static final State[] STATES = {State.RUNNING, State.STOPPED, State.ENDED};

  private ThreadProcStatuses() {}

  /** The oldest first: the core lists the youngest first. */
  static List<ThreadProcStatus> read(Object[] numbersAndCommands) {
    long[] numbers = (long[]) numbersAndCommands[0];
    byte[][] commands = (byte[][]) numbersAndCommands[1];
    List<ThreadProcStatus> statuses = new ArrayList<>(commands.length);
    for (int i = 0; i < commands.length; i++) {
      statuses.add(read(Arrays.copyOfRange(numbers, NUMBERS * i, NUMBERS * (i + 1)), commands[i]));
    }
    Collections.reverse(statuses);
    return List.copyOf(statuses);
  }

  private static ThreadProcStatus read(long[] numbers, byte[] command) {
    long launcher = numbers[1];
    return new ThreadProcStatus(
        numbers[0],
        launcher != 0,
        launcher > 0 ? OptionalLong.of(launcher) : OptionalLong.empty(),
        numbers[2],
        STATES[(int) numbers[3] - 1],
        Instant.ofEpochSecond(0, numbers[4]),
        Duration.ofNanos(numbers[5]),
        numbers[6],
        numbers[7],
        arguments(command),
        numbers[8] != 0);
  }

  /** A cut command may end without a NUL. */
  private static List<String> arguments(byte[] command) {
    List<String> arguments = new ArrayList<>();
    int start = 0;
    for (int i = 0; i < command.length; i++) {
      if (command[i] == 0) {
        arguments.add(ByteStrings.decode(Arrays.copyOfRange(command, start, i)));
        start = i + 1;
      }
    }
    if (start < command.length) {
      arguments.add(ByteStrings.decode(Arrays.copyOfRange(command, start, command.length)));
    }
    return arguments;
  }
}
