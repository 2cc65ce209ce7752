package io.tproc.cli;

import io.tproc.MemoryMapping;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;

/**
 * What tells gdb where the files of a threadproc are. By itself it takes the address space for that
 * of the host's program, and finds only what that has loaded.
 */
final class GdbScript {
  private static final String NO_ENTRY =
      "the files of process %d have no entry that can be read: it cannot be started from here";

  private GdbScript() {}

  /**
   * A script that attaches, and then adds the symbols of each file that the threadproc runs.
   *
   * @param mappings of the threadproc
   */
  static String of(long pid, List<MemoryMapping> mappings) {
    StringBuilder script = new StringBuilder();
    script.append("set confirm off\nattach ").append(pid).append('\n');
    lowest(mappings)
        .forEach(
            (file, lowest) -> {
              OptionalLong bias = ElfFile.loadBias(Path.of(file), lowest);
              if (bias.isPresent()) {
                script
                    .append("add-symbol-file ")
                    .append(quoted(file))
                    .append(" -o 0x")
                    .append(Long.toHexString(bias.getAsLong()))
                    .append('\n');
              } else {
                script.append("# not readable as an ELF file: ").append(quoted(file)).append('\n');
              }
            });
    return script.toString();
  }

  /**
   * Lets a threadproc that waits before its first instruction go there. Only its program and the
   * interpreter of that are mapped then. The signal is sent by another process: gdb's own would be
   * for a program that may be stopped by one, and this one takes it without being interrupted.
   *
   * @throws IOException when its files have no entry that can be read
   */
  static String start(long pid, List<MemoryMapping> mappings) throws IOException {
    OptionalLong entry = OptionalLong.empty();
    for (Map.Entry<String, Long> each : lowest(mappings).entrySet()) {
      Path file = Path.of(each.getKey());
      if (entry.isEmpty() || !ElfFile.hasInterpreter(file)) {
        entry = ElfFile.entry(file, each.getValue());
      }
    }
    String address =
        "0x" + Long.toHexString(entry.orElseThrow(() -> new IOException(NO_ENTRY.formatted(pid))));
    return "tbreak *" + address + "\nshell kill -CONT " + pid + "\ncontinue\n";
  }

  /** The files that it executes something of, with the lowest address of each. */
  private static Map<String, Long> lowest(List<MemoryMapping> mappings) {
    Set<String> executed = new HashSet<>();
    for (MemoryMapping each : mappings) {
      if (each.executable() && each.name().startsWith("/")) {
        executed.add(each.name());
      }
    }
    Map<String, Long> lowest = new LinkedHashMap<>();
    for (MemoryMapping each : mappings) {
      if (executed.contains(each.name())) {
        lowest.merge(each.name(), each.address(), Math::min);
      }
    }
    return lowest;
  }

  /** As gdb splits the words of such a command: within quotes a backslash quotes, too. */
  static String quoted(String file) {
    return '"' + file.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n") + '"';
  }
}
