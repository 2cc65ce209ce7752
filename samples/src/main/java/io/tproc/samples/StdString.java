package io.tproc.samples;

import io.tproc.TprocHost;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Reads a C++ {@code std::string} of another program where it stands.
 *
 * <p>The layout is that of libstdc++ since GCC 5 ({@code std::__cxx11::basic_string} in {@code
 * <bits/basic_string.h>}), 32 bytes on a 64-bit machine: the address of the characters, their
 * number, and a union of the capacity with room for 15 characters and a NUL. A short string's
 * characters stand in that room; the address says so, and a reader need not care.
 */
final class StdString {
  private static final int SIZE = 32;
  private static final int DATA = 0;
  private static final int LENGTH = 8;

  private StdString() {}

  /**
   * The characters of the string object at an address, decoded as UTF-8. The program that owns the
   * string must neither change nor destroy it meanwhile.
   */
  static String read(TprocHost host, long address) {
    ByteBuffer object = host.view(address, SIZE);
    ByteBuffer characters = host.view(object.getLong(DATA), object.getLong(LENGTH));
    return StandardCharsets.UTF_8.decode(characters).toString();
  }

  /** Whether the characters stand inside the string object itself. */
  static boolean isShort(TprocHost host, long address) {
    return host.view(address, SIZE).getLong(DATA) == address + 16;
  }
}
