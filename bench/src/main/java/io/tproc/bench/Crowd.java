package io.tproc.bench;

import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Many of the programs {@code crowd}, started together, until this is closed. */
final class Crowd implements AutoCloseable {
  private final List<Process> programs = new ArrayList<>();

  /**
   * All are ready when this returns.
   *
   * @param host who has them; null: they are processes of their own
   * @param arguments of crowd
   */
  Crowd(@Nullable TprocHost host, int count, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(Programs.path("crowd")));
    command.addAll(List.of(arguments));
    try {
      for (int i = 0; i < count; i++) {
        programs.add(
            host != null ? host.command(command).start() : new ProcessBuilder(command).start());
      }
      for (Process program : programs) {
        program.getInputStream().readNBytes("ready\n".length());
      }
    } catch (IOException | RuntimeException failed) {
      close();
      throw failed;
    }
  }

  void begin() throws IOException {
    for (Process program : programs) {
      program.getOutputStream().write('.');
      program.getOutputStream().flush();
    }
  }

  /** The line that each has written; all have ended. */
  List<String> outputs() throws IOException, InterruptedException {
    List<String> outputs = new ArrayList<>();
    for (Process program : programs) {
      outputs.add(lineOf(program));
    }
    for (Process program : programs) {
      program.getOutputStream().close();
    }
    for (Process program : programs) {
      if (program.waitFor() != 0) {
        throw new IllegalStateException("crowd ended with status " + program.exitValue());
      }
    }
    return outputs;
  }

  /** "" if it ends without one. */
  private static String lineOf(Process program) throws IOException {
    StringBuilder line = new StringBuilder();
    for (int c = program.getInputStream().read();
        c >= 0 && c != '\n';
        c = program.getInputStream().read()) {
      line.append((char) c);
    }
    return line.toString();
  }

  @Override
  public void close() throws InterruptedException {
    programs.forEach(Process::destroyForcibly);
    for (Process program : programs) {
      program.waitFor();
      if (program instanceof ThreadProc threadproc) {
        threadproc.close();
      }
    }
  }
}
