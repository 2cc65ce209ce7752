package io.tproc.cli.client;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * A range of memory that a threadproc has mapped (struct wire_mapping).
 *
 * @param address its first byte
 * @param size in bytes
 * @param readable whether it may be read
 * @param writable whether it may be written
 * @param executable whether it may be executed
 * @param shared whether what is written goes to the file, or to a forked child
 * @param name the file's path, {@code [heap]}, {@code [stack]}, or empty; what is not UTF-8 in it
 *     is U+FFFD here
 */
public record MappedRange(
    long address,
    long size,
    boolean readable,
    boolean writable,
    boolean executable,
    boolean shared,
    String name) {
  static final int FIXED_SIZE = 32;

  private static final int PROTECTION_AT = 4;
  private static final int NAME_SIZE_AT = 8;
  private static final int ADDRESS_AT = 16;
  private static final int LENGTH_AT = 24;
  private static final int READABLE = 1;
  private static final int WRITABLE = 2;
  private static final int EXECUTABLE = 4;
  private static final int SHARED = 8;

  static MappedRange of(ByteBuffer entry) throws ProtocolException {
    int protection = entry.getInt(PROTECTION_AT);
    byte[] name = Entries.bytes(entry, FIXED_SIZE, entry.getInt(NAME_SIZE_AT));
    if (name.length == 0 || name[name.length - 1] != 0) {
      throw new ProtocolException("a name that does not end");
    }
    return new MappedRange(
        entry.getLong(ADDRESS_AT),
        entry.getLong(LENGTH_AT),
        (protection & READABLE) != 0,
        (protection & WRITABLE) != 0,
        (protection & EXECUTABLE) != 0,
        (protection & SHARED) != 0,
        new String(name, 0, name.length - 1, StandardCharsets.UTF_8));
  }

  /** As /proc/PID/maps has it: {@code rw-p}. */
  public String protection() {
    return (readable ? "r" : "-")
        + (writable ? "w" : "-")
        + (executable ? "x" : "-")
        + (shared ? "s" : "p");
  }
}
