package io.tproc.cli.client;

import io.tproc.ExitStatus;
import io.tproc.Signals;
import io.tproc.ThreadProcStatus;
import io.tproc.cli.client.ProgramEvent.Leaving;
import io.tproc.spi.Listing;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/** Decodes what a host tells who watches it. What is not UTF-8 in a command is U+FFFD here. */
final class ProgramEvents {
  private static final int ENDED_SIZE = 32;
  private static final int NEWS_SIZE = 16;

  private static final int PID_AT = 0;
  private static final int KIND_AT = 4;
  private static final int STATUS_AT = 8;
  private static final int NEWS_AT = 8;
  private static final int ENDED_AT = 16;
  private static final int UPTIME_AT = 24;

  /** Of an enum tproc_exit_kind. */
  private static final int UNKNOWN = 0;

  private static final int EXITED = 1;
  private static final int SIGNALLED = 2;
  private static final int DUMPED = 3;

  private static final int MOST_CODE = 255;

  private ProgramEvents() {}

  static ProgramEvent started(ByteBuffer payload) throws ProtocolException {
    Listing<ThreadProcStatus> one = Listing.statuses(payload, StandardCharsets.UTF_8);
    if (one.items().size() != 1) {
      throw new ProtocolException("the start of " + one.items().size() + " programs");
    }
    return new ProgramEvent.Started(one.items().get(0));
  }

  /** A struct wire_program_ended. */
  static ProgramEvent ended(ByteBuffer payload) throws ProtocolException {
    if (payload.remaining() != ENDED_SIZE) {
      throw new ProtocolException("the end of a program in " + payload.remaining() + " bytes");
    }
    ByteBuffer fields = payload.slice().order(payload.order());
    return new ProgramEvent.Ended(
        fields.getInt(PID_AT),
        status(fields.getInt(KIND_AT), fields.getInt(STATUS_AT)),
        Instant.ofEpochSecond(0, fields.getLong(ENDED_AT)),
        Duration.ofNanos(fields.getLong(UPTIME_AT)));
  }

  /** A struct wire_crashed and its text. */
  static ProgramEvent crashed(ByteBuffer payload) throws ProtocolException {
    if (payload.remaining() <= NEWS_SIZE) {
      throw new ProtocolException("a crash in " + payload.remaining() + " bytes");
    }
    ByteBuffer fields = payload.slice().order(payload.order());
    String text = StandardCharsets.UTF_8.decode(payload.slice().position(NEWS_SIZE)).toString();
    int end = text.indexOf('\n');
    return new ProgramEvent.Crashed(
        fields.getInt(PID_AT),
        end < 0 ? text : text.substring(0, end),
        end < 0 ? "" : text.substring(end + 1),
        Instant.ofEpochSecond(0, fields.getLong(NEWS_AT)));
  }

  /** A struct wire_program_left. */
  static ProgramEvent left(ByteBuffer payload) throws ProtocolException {
    if (payload.remaining() != NEWS_SIZE) {
      throw new ProtocolException("a leave in " + payload.remaining() + " bytes");
    }
    ByteBuffer fields = payload.slice().order(payload.order());
    return new ProgramEvent.Left(
        fields.getInt(PID_AT),
        leaving(fields.getInt(KIND_AT)),
        Instant.ofEpochSecond(0, fields.getLong(NEWS_AT)));
  }

  private static Leaving leaving(int how) throws ProtocolException {
    if (how < 1 || how > Leaving.values().length) {
      throw new ProtocolException("a leave of kind " + how);
    }
    return Leaving.values()[how - 1];
  }

  private static Optional<ExitStatus> status(int kind, int status) throws ProtocolException {
    if (kind == UNKNOWN) {
      return Optional.empty();
    }
    boolean killed = kind == SIGNALLED || kind == DUMPED;
    if (killed && status >= 1 && status <= Signals.SIGRTMAX) {
      return Optional.of(new ExitStatus.Signalled(status, kind == DUMPED));
    }
    if (kind == EXITED && status >= 0 && status <= MOST_CODE) {
      return Optional.of(new ExitStatus.Exited(status));
    }
    throw new ProtocolException("an end of kind " + kind + " with status " + status);
  }
}
