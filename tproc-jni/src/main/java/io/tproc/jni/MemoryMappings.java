package io.tproc.jni;

import io.tproc.MemoryMapping;
import java.util.ArrayList;
import java.util.List;

/** Turns what {@code memory.c} returns into mappings. */
final class MemoryMappings {
  private static final int NUMBERS = 3;
  private static final long READABLE = 1;
  private static final long WRITABLE = 2;
  private static final long EXECUTABLE = 4;
  private static final long SHARED = 8;

  private MemoryMappings() {}

  static List<MemoryMapping> read(Object[] numbersAndNames) {
    long[] numbers = (long[]) numbersAndNames[0];
    byte[][] names = (byte[][]) numbersAndNames[1];
    List<MemoryMapping> mappings = new ArrayList<>(names.length);
    for (int i = 0; i < names.length; i++) {
      long bits = numbers[NUMBERS * i + 2];
      mappings.add(
          new MemoryMapping(
              numbers[NUMBERS * i],
              numbers[NUMBERS * i + 1],
              (bits & READABLE) != 0,
              (bits & WRITABLE) != 0,
              (bits & EXECUTABLE) != 0,
              (bits & SHARED) != 0,
              ByteStrings.decode(names[i])));
    }
    return List.copyOf(mappings);
  }
}
