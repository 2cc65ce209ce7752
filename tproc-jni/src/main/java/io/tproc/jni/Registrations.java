package io.tproc.jni;

import io.tproc.ExitStatus;
import io.tproc.ExitStatus.Exited;
import io.tproc.ExitStatus.Signalled;
import io.tproc.share.Registration;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Decodes the core's {@code struct tproc_registered}; {@code share.c} checks the offsets. */
final class Registrations {
  private static final int SIZE = 192;
  private static final int ADDRESS = 8;
  private static final int BYTES = 16;
  private static final int VERSION = 24;
  private static final int PID = 28;
  private static final int KEPT = 32;
  private static final int ENDED = 36;
  private static final int STATUS = 40;
  private static final int NAME = 44;
  private static final int TYPE = 140;
  private static final int END = 188;

  /** What is added to the number of a signal that has ended a process. */
  private static final int SIGNAL_BASE = 256;

  private Registrations() {}

  static Registration of(byte[] entry) {
    return all(entry).get(0);
  }

  static List<Registration> all(byte[] entries) {
    List<Registration> all = new ArrayList<>();
    for (int at = 0; at < entries.length; at += SIZE) {
      all.add(decode(ByteBuffer.wrap(entries, at, SIZE).slice().order(ByteOrder.nativeOrder())));
    }
    return all;
  }

  private static Registration decode(ByteBuffer entry) {
    return new Registration(
        entry.getLong(0),
        text(entry, NAME, TYPE),
        text(entry, TYPE, END),
        entry.getLong(ADDRESS),
        entry.getLong(BYTES),
        entry.getInt(VERSION),
        entry.getInt(PID),
        entry.getInt(KEPT) != 0,
        entry.getInt(ENDED) != 0 ? Optional.of(ended(entry.getInt(STATUS))) : Optional.empty());
  }

  private static ExitStatus ended(int status) {
    return status < SIGNAL_BASE ? new Exited(status) : new Signalled(status - SIGNAL_BASE, false);
  }

  private static String text(ByteBuffer entry, int from, int to) {
    int end = from;
    while (end < to && entry.get(end) != 0) {
      end++;
    }
    return StandardCharsets.UTF_8.decode(entry.slice(from, end - from)).toString();
  }
}
