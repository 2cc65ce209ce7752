package io.tproc.jni;

import io.tproc.CrashReport;
import io.tproc.MemoryMapping;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Decodes the core's {@code struct tproc_crash}, whose offsets {@code crash.c} checks, and looks up
 * what its addresses mean.
 */
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

  /** Where dereferenced null pointers lead, with the offset of a member of a large struct. */
  private static final long NULL_END = 1 << 16;

  /** How far beyond its stack pointer a thread touches its stack. */
  private static final long STACK_REACH = 1 << 16;

  private final HostState host;

  /** The program's own, in the order of the addresses. */
  private final List<MemoryMapping> own;

  private final ThreadProcHandle program;

  private CrashReports(HostState host, ThreadProcHandle program) {
    this.host = host;
    this.program = program;
    this.own =
        program.memory().stream().sorted(Comparator.comparingLong(MemoryMapping::address)).toList();
  }

  /** Of a program whose exit has been collected; empty when it has left no trace of a crash. */
  static Optional<CrashReport> of(HostState host, ThreadProcHandle program) {
    byte @Nullable [] crash = program.crash();
    return crash == null
        ? Optional.empty()
        : Optional.of(
            new CrashReports(host, program)
                .decode(ByteBuffer.wrap(crash).order(ByteOrder.nativeOrder())));
  }

  private CrashReport decode(ByteBuffer crash) {
    boolean hasAddress = crash.getInt(HAS_ADDRESS) != 0;
    long address = crash.getLong(ADDRESS);
    long programCounter = crash.getLong(PROGRAM_COUNTER);
    String owner = hasAddress ? owner(address) : "";
    Optional<Place> place = place(programCounter);
    return new CrashReport(
        crash.getInt(SIGNAL),
        crash.getInt(CODE),
        hasAddress ? OptionalLong.of(address) : OptionalLong.empty(),
        owner,
        hasAddress && overflows(address, crash.getLong(STACK_POINTER)),
        programCounter,
        place.map(Place::file).orElse(""),
        place.map(found -> programCounter - found.base()).orElse(0L),
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

  /** Below a stack is a guard page, or what the stack was not let grow into. */
  private boolean overflows(long address, long stackPointer) {
    return Math.abs(address - stackPointer) <= STACK_REACH
        && mapping(own, address).filter(MemoryMapping::writable).isEmpty();
  }

  private static boolean contains(MemoryMapping mapping, long address) {
    return mapping.address() <= address && address - mapping.address() < mapping.size();
  }

  private static Optional<MemoryMapping> mapping(List<MemoryMapping> mappings, long address) {
    return mappings.stream().filter(each -> contains(each, address)).findFirst();
  }

  private String owner(long address) {
    if (address >= 0 && address < NULL_END) {
      return "null pointer";
    }
    Optional<String> mine =
        mapping(own, address).map(found -> found.name().isEmpty() ? "own memory" : found.name());
    return mine.or(() -> neighbour(address)).orElseGet(() -> hosts(address));
  }

  private Optional<String> neighbour(long address) {
    long owner = host.ownerKey(address);
    if (owner == 0) {
      return Optional.empty();
    }
    if (owner == program.key()) {
      return Optional.of("not mapped");
    }
    return Optional.of(
        host.pidOf(owner).map(pid -> "pid " + pid).orElse("a launched program's memory"));
  }

  private String hosts(long address) {
    if (host.isShared(address)) {
      return "the shared heap";
    }
    return HostMapping.at(address)
        .map(found -> found.name().isEmpty() ? "the JVM's memory" : "the JVM's " + found.name())
        .orElse("not mapped");
  }

  private record Place(String file, long base) {}

  /** A file is mapped in one piece after the other, so its first one is the lowest of its name. */
  private Optional<Place> place(long programCounter) {
    Optional<MemoryMapping> mine =
        mapping(own, programCounter)
            .filter(each -> each.executable() && each.name().startsWith("/"));
    if (mine.isEmpty()) {
      return HostMapping.at(programCounter)
          .filter(each -> each.executable() && each.name().startsWith("/"))
          .map(each -> new Place(each.name(), each.fileBase()));
    }
    String name = mine.get().name();
    return own.stream()
        .filter(each -> each.name().equals(name))
        .findFirst()
        .map(first -> new Place(name, first.address()));
  }

  /**
   * A mapping of the whole address space.
   *
   * @param name a path, or what the kernel calls it; empty for other anonymous memory
   * @param executable whether programs may run it
   * @param fileBase the address of the file's first byte if all of it were mapped in one piece
   */
  record HostMapping(String name, boolean executable, long fileBase) {
    private static final int FIELDS = 6;

    static Optional<HostMapping> at(long address) {
      try (BufferedReader maps = Files.newBufferedReader(Path.of("/proc/self/maps"))) {
        return maps.lines().map(line -> of(line, address)).flatMap(Optional::stream).findFirst();
      } catch (IOException | RuntimeException unreadable) { // no /proc, a name that is no text
        return Optional.empty();
      }
    }

    /** As proc_pid_maps(5) has a line; empty when it is of other addresses. */
    static Optional<HostMapping> of(String line, long address) {
      String[] fields = line.split(" +", FIELDS);
      String[] range = fields[0].split("-", 2);
      long low = Long.parseUnsignedLong(range[0], 16);
      long high = Long.parseUnsignedLong(range[1], 16);
      boolean inside =
          Long.compareUnsigned(low, address) <= 0 && Long.compareUnsigned(address, high) < 0;
      boolean accessible = !fields[1].startsWith("---");
      return inside && accessible
          ? Optional.of(
              new HostMapping(
                  fields.length == FIELDS ? fields[FIELDS - 1] : "",
                  fields[1].contains("x"),
                  low - Long.parseUnsignedLong(fields[2], 16)))
          : Optional.empty();
    }
  }
}
