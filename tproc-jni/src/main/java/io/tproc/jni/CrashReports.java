package io.tproc.jni;

import io.tproc.CrashReport;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** Decodes the core's {@code struct tproc_crash}, whose offsets {@code crash.c} checks. */
final class CrashReports {
  private static final int TID = 0;
  private static final int SIGNAL = 4;
  private static final int CODE = 8;
  private static final int HAS_ADDRESS = 16;
  private static final int ADDRESS = 24;
  private static final int PROGRAM_COUNTER = 32;
  private static final int STACK_POINTER = 40;
  private static final int REGISTER_COUNT = 48;
  private static final int REGISTERS = 56;
  private static final int NAME_SIZE = 8;
  private static final int REGISTER_SIZE = 16;
  private static final int OVERFLOWS = 696;
  private static final int OFFSET = 704;
  private static final int FILE = 712;
  private static final int OWNER = 968;
  private static final int SIZE = 1256;

  private CrashReports() {}

  /** Of a program whose exit has been collected; empty when it has left no trace of a crash. */
  static Optional<CrashReport> of(ThreadProcHandle program) {
    byte @Nullable [] crash = program.crash();
    return crash == null
        ? Optional.empty()
        : Optional.of(decode(ByteBuffer.wrap(crash).order(ByteOrder.nativeOrder())));
  }

  private static CrashReport decode(ByteBuffer crash) {
    boolean hasAddress = crash.getInt(HAS_ADDRESS) != 0;
    return new CrashReport(
        crash.getInt(SIGNAL),
        crash.getInt(CODE),
        hasAddress ? OptionalLong.of(crash.getLong(ADDRESS)) : OptionalLong.empty(),
        text(crash, OWNER, SIZE - OWNER),
        crash.getInt(OVERFLOWS) != 0,
        crash.getLong(PROGRAM_COUNTER),
        text(crash, FILE, OWNER - FILE),
        crash.getLong(OFFSET),
        crash.getLong(STACK_POINTER),
        crash.getInt(TID),
        registers(crash));
  }

  private static Map<String, Long> registers(ByteBuffer crash) {
    Map<String, Long> registers = new LinkedHashMap<>();
    long count = crash.getLong(REGISTER_COUNT);
    for (int i = 0; i < count; i++) {
      int at = REGISTERS + i * REGISTER_SIZE;
      byte[] name = new byte[NAME_SIZE];
      crash.get(at, name);
      registers.put(
          new String(name, StandardCharsets.US_ASCII).replace("\0", ""),
          crash.getLong(at + NAME_SIZE));
    }
    return registers;
  }

  /** Up to its NUL. */
  private static String text(ByteBuffer crash, int at, int size) {
    byte[] room = new byte[size];
    crash.get(at, room);
    return ByteStrings.split(room).get(0);
  }
}
