package io.tproc.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/** What this process holds, as the kernel counts it. Sizes are in KiB. */
record Footprint(
    long mappings, long descriptors, long threads, long children, long size, long resident) {
  private static final Path SELF = Path.of("/proc/self");

  /** What there is now, after a garbage collection. */
  static Footprint now() throws IOException {
    System.gc();
    List<String> status = Files.readAllLines(SELF.resolve("status"));
    long children = 0;
    long threads = 0;
    for (Path thread : entries("task")) {
      threads++;
      try {
        children +=
            Files.readString(thread.resolve("children")).chars().filter(c -> c == ' ').count();
      } catch (IOException e) {
        threads--; // ended since the listing
      }
    }
    return new Footprint(
        mappingCount(),
        entries("fd").size(),
        threads,
        children,
        field(status, "VmSize:"),
        field(status, "VmRSS:"));
  }

  /** The number of mappings only, which is quick to ask. */
  static long mappingCount() throws IOException {
    try (Stream<String> lines = Files.lines(SELF.resolve("maps"))) {
      return lines.count();
    }
  }

  /** {@link #now()} as soon as there are no more children than before, or after five seconds. */
  static Footprint settled(Footprint before) throws IOException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(5);
    Footprint after = now();
    while (after.children > before.children && System.nanoTime() < deadline) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
      after = now();
    }
    return after;
  }

  /** What has changed since then. */
  String since(Footprint before) {
    return String.format(
        "VMAs %d -> %d, fds %d -> %d, threads %d -> %d, children %d -> %d, VmSize %+d KiB, RSS %+d KiB",
        before.mappings,
        mappings,
        before.descriptors,
        descriptors,
        before.threads,
        threads,
        before.children,
        children,
        size - before.size,
        resident - before.resident);
  }

  private static List<Path> entries(String directory) throws IOException {
    try (Stream<Path> entries = Files.list(SELF.resolve(directory))) {
      return entries.toList();
    }
  }

  private static long field(List<String> status, String name) {
    return status.stream()
        .filter(line -> line.startsWith(name))
        .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
        .findFirst()
        .orElse(0);
  }
}
