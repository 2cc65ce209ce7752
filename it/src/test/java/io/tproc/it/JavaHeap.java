package io.tproc.it;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Finds the Java heap in this process's mappings: the largest private writable one without a name
 * below 32 GiB, where HotSpot puts it for the sake of compressed references. Above are direct
 * buffers, which may be larger than a small machine's heap.
 */
final class JavaHeap {
  private static final Pattern ANONYMOUS =
      Pattern.compile("([0-9a-f]+)-([0-9a-f]+) rw.p 00000000 00:00 0 *");

  private static final long SMALLEST = 16L << 20;
  private static final long HIGHEST = 32L << 30;

  private JavaHeap() {}

  static long anAddress() throws Exception {
    long size = 0;
    Optional<Long> found = Optional.empty();
    for (String line : Files.readAllLines(Path.of("/proc/self/maps"))) {
      Matcher matcher = ANONYMOUS.matcher(line);
      if (matcher.matches()) {
        long low = Long.parseUnsignedLong(matcher.group(1), 16);
        long high = Long.parseUnsignedLong(matcher.group(2), 16);
        if (high - low > size && high <= HIGHEST) {
          size = high - low;
          found = Optional.of(low);
        }
      }
    }
    long largest = size;
    assumeTrue(
        largest > SMALLEST,
        () -> "skipped: the largest part of the heap has only " + largest + " bytes");
    return found.orElseThrow();
  }
}
