package io.tproc.bench;

import io.tproc.TprocHost;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The native programs of {@code bench/programs}, and how to run a program and see what it wrote.
 */
final class Programs {
  private Programs() {}

  /** The absolute path of a program. */
  static String path(String name) {
    Path path = Path.of(System.getProperty("tproc.bench.programs", "."), name).toAbsolutePath();
    if (!Files.isExecutable(path)) {
      throw new IllegalStateException(
          "there is no " + path + ": build with mvn -DskipTests package, run bench/run");
    }
    return path.toString();
  }

  /** Runs a program as a threadproc and gives its output. */
  static String hosted(TprocHost host, String... command) throws IOException, InterruptedException {
    try (io.tproc.ThreadProc program = host.command(command).start()) {
      return outputOf(program, command);
    }
  }

  /** Runs a program as a process of its own and gives its output. */
  static String natively(String... command) throws IOException, InterruptedException {
    return outputOf(new ProcessBuilder(command).start(), command);
  }

  /** The figure that a measuring program printed. */
  static double figure(String output) {
    return Double.parseDouble(output.strip());
  }

  /** What it writes until it ends, with 0. */
  static String outputOf(Process program, String... command)
      throws IOException, InterruptedException {
    String output = new String(program.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    String errors = new String(program.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    int status = program.waitFor();
    if (status != 0) {
      throw new IllegalStateException(
          String.join(" ", command) + " ended with status " + status + ": " + errors);
    }
    return output;
  }
}
