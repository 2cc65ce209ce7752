package io.tproc.cli;

import io.tproc.MemoryMapping;
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
              OptionalLong bias = LoadBias.of(Path.of(file), lowest);
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
