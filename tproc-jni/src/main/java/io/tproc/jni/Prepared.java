package io.tproc.jni;

import io.tproc.PreparedProgram;
import io.tproc.PreparedProgram.Depth;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Reads what {@link Native#prepared} gives: structs tproc_prepared, one after the other. */
final class Prepared {
  private static final int TEXT_SIZE = 256;
  private static final int DEPTH = 256;
  private static final int WANTED = 260;
  private static final int READY = 264;
  private static final int MAPPED = 272;
  private static final int RESIDENT = 280;
  private static final int STARTED = 288;
  private static final int MISSED = 296;
  private static final int CHANGED = 304;
  private static final int ENDED = 312;
  private static final int EXPIRED = 320;
  private static final int FAILED = 328;
  private static final int PROBLEM = 336;
  private static final int SIZE = 592;

  /** TPROC_PREPARED_MAPPED is 1; 0: none was made. */
  private static final List<Depth> DEPTHS =
      List.of(Depth.MAPPED, Depth.MAPPED, Depth.LINKED, Depth.READY);

  private Prepared() {}

  static List<PreparedProgram> read(byte[] entries) {
    List<PreparedProgram> programs = new ArrayList<>();
    ByteBuffer all = ByteBuffer.wrap(entries).order(ByteOrder.nativeOrder());
    for (int at = 0; at + SIZE <= entries.length; at += SIZE) {
      programs.add(
          new JniPreparedProgram(
              text(entries, at),
              DEPTHS.get(all.getInt(at + DEPTH)),
              all.getInt(at + WANTED),
              all.getInt(at + READY),
              all.getLong(at + MAPPED),
              all.getLong(at + RESIDENT),
              all.getLong(at + STARTED),
              all.getLong(at + MISSED),
              all.getLong(at + CHANGED),
              all.getLong(at + ENDED),
              all.getLong(at + EXPIRED),
              all.getLong(at + FAILED),
              text(entries, at + PROBLEM)));
    }
    return List.copyOf(programs);
  }

  private static String text(byte[] entries, int at) {
    int length = 0;
    while (length < TEXT_SIZE && entries[at + length] != 0) {
      length++;
    }
    return new String(entries, at, length, StandardCharsets.UTF_8);
  }
}
