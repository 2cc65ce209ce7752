package io.tproc.library;

import io.tproc.MemoryMapping;
import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import io.tproc.spi.CalleeSupport;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The memory that the callee's handler writes to. The callee's {@code crash.h} has the same
 * numbers.
 */
final class CrashRecord {
  private static final int SIZE = 760;
  private static final int AT_WRITTEN = 0;
  private static final int AT_SIGNAL = 4;
  private static final int AT_HAS_ADDRESS = 12;
  private static final int AT_ADDRESS = 16;
  private static final int AT_PC = 24;
  private static final int AT_SP = 32;
  private static final int AT_OBJECT = 40;
  private static final int AT_SYMBOL_ADDRESS = 48;
  private static final int AT_SYMBOL = 56;
  private static final int AT_FILE = 248;
  private static final int SYMBOL_SIZE = AT_FILE - AT_SYMBOL;
  private static final int FILE_SIZE = SIZE - AT_FILE;

  /** Where dereferenced null pointers lead, with the offset of a member of a large struct. */
  private static final long NULL_END = 1 << 16;

  /** How far beyond its stack pointer a thread touches its stack. */
  private static final long STACK_REACH = 1 << 16;

  private final ByteBuffer memory;
  private final long address;

  CrashRecord(CalleeSupport support) {
    memory = ByteBuffer.allocateDirect(SIZE + 8).alignedSlice(8).order(ByteOrder.nativeOrder());
    address = support.address(memory);
  }

  long address() {
    return address;
  }

  /** Once the callee has ended: empty when its handler was not called. */
  Optional<Crash> read(TprocHost host, ThreadProc process) {
    if (memory.getInt(AT_WRITTEN) == 0) {
      return Optional.empty();
    }
    long pc = memory.getLong(AT_PC);
    long object = memory.getLong(AT_OBJECT);
    String file = text(AT_FILE, FILE_SIZE);
    String symbol = text(AT_SYMBOL, SYMBOL_SIZE);
    boolean hasAddress = memory.getInt(AT_HAS_ADDRESS) != 0;
    long accessed = memory.getLong(AT_ADDRESS);
    return Optional.of(
        new Crash(
            memory.getInt(AT_SIGNAL),
            hasAddress ? OptionalLong.of(accessed) : OptionalLong.empty(),
            hasAddress ? owner(host, process, accessed) : "",
            hasAddress && Math.abs(accessed - memory.getLong(AT_SP)) <= STACK_REACH,
            pc,
            file,
            file.isEmpty() ? 0 : pc - object,
            symbol.isEmpty() ? Optional.empty() : Optional.of(symbol),
            symbol.isEmpty() ? 0 : pc - memory.getLong(AT_SYMBOL_ADDRESS)));
  }

  private static String owner(TprocHost host, ThreadProc process, long address) {
    if (address >= 0 && address < NULL_END) {
      return "null pointer";
    }
    try {
      return owner(process.memory(), address)
          .or(
              () ->
                  host.ownerOf(address)
                      .map(other -> other.equals(process) ? "not mapped" : "pid " + other.pid()))
          .orElse("not the library's");
    } catch (IllegalStateException closed) {
      return "unknown: the host is closed";
    }
  }

  private static Optional<String> owner(List<MemoryMapping> mappings, long address) {
    return mappings.stream()
        .filter(
            mapping -> mapping.address() <= address && address - mapping.address() < mapping.size())
        .map(mapping -> mapping.name().isEmpty() ? "its memory" : mapping.name())
        .findFirst();
  }

  private String text(int at, int size) {
    byte[] bytes = new byte[size];
    memory.get(at, bytes);
    int length = 0;
    while (length < size && bytes[length] != 0) {
      length++;
    }
    return new String(bytes, 0, length, StandardCharsets.UTF_8);
  }
}
