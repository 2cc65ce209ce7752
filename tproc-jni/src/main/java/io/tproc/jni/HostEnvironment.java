package io.tproc.jni;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * The variables of this process that do not survive being a Java string, with their true bytes: in
 * the C locale every byte above 127 decodes to a replacement character. {@link ProcessBuilder}
 * keeps the bytes of unchanged variables, so hosting does too.
 */
final class HostEnvironment {
  private final Map<String, byte[]> damaged;

  private HostEnvironment(Map<String, byte[]> damaged) {
    this.damaged = damaged;
  }

  /**
   * Reads what this process was started with; where that is forbidden, no variable is known to be
   * damaged.
   */
  static HostEnvironment read() {
    try {
      return parse(Files.readAllBytes(Path.of("/proc/self/environ")));
    } catch (IOException hidden) {
      return new HostEnvironment(Map.of());
    }
  }

  /** Takes a block of NUL-terminated entries. */
  static HostEnvironment parse(byte[] block) {
    Map<String, byte[]> damaged = new HashMap<>();
    int start = 0;
    for (int i = 0; i < block.length; i++) {
      if (block[i] == 0) {
        byte[] raw = Arrays.copyOfRange(block, start, i);
        String entry = ByteStrings.decode(raw);
        if (!Arrays.equals(ByteStrings.encode(entry), raw)) {
          damaged.put(entry, raw);
        }
        start = i + 1;
      }
    }
    return new HostEnvironment(damaged);
  }

  /**
   * The bytes of an entry.
   *
   * @return the true ones when the entry is as the host got it, else the encoded ones
   */
  byte[] bytes(String name, String value) {
    String entry = name + "=" + value;
    byte[] raw = damaged.get(entry);
    return raw != null ? raw : ByteStrings.encode(entry);
  }
}
