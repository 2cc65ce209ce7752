package io.tproc.bench;

import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What a program takes of the memory: PSS, which counts each page once, and what the host's side
 * keeps for it. The programs are idle.
 */
final class MemoryBenchmark implements Benchmark {
  @Override
  public String name() {
    return "memory";
  }

  @Override
  public String about() {
    return "memory a program takes (PSS, that of Java's side included), hosted and as a process";
  }

  private interface Launch {
    Process start() throws IOException;
  }

  @Override
  public void run(Settings settings) throws IOException, InterruptedException {
    int count = settings.count(100, 10);
    try (TprocHost host = TprocHost.open()) {
      measure(host, "cat", count, settings, "/bin/cat");
      // One, since Debian's is for fixed addresses.
      measure(
          host,
          "python3",
          1,
          settings,
          "/usr/bin/python3",
          "-c",
          "import sys; print(sys.stdin.read(1), end='', flush=True); sys.stdin.read()");
    }
  }

  private static void measure(
      TprocHost host, String what, int count, Settings settings, String... command)
      throws IOException, InterruptedException {
    Sample[] samples =
        Rounds.measure(
            settings.count(5, 1),
            () -> kibibytes(() -> host.command(command).start(), count),
            () -> kibibytes(() -> new ProcessBuilder(command).start(), count));
    Report.ratio(what, "KiB", samples[0], "process", samples[1], "");
  }

  /** More than before, for each. */
  private static double kibibytes(Launch launch, int count)
      throws IOException, InterruptedException {
    System.gc();
    long self = ProcessHandle.current().pid();
    long before = pss(self);
    List<Process> programs = new ArrayList<>();
    try {
      for (int i = 0; i < count; i++) {
        programs.add(launch.start());
      }
      for (Process program : programs) {
        awaitStart(program);
      }
      long more = pss(self) - before;
      for (Process program : programs) {
        if (!(program instanceof ThreadProc)) {
          more += pss(program.pid());
        }
      }
      return (double) more / count;
    } finally {
      for (Process program : programs) {
        program.destroyForcibly().waitFor();
        if (program instanceof ThreadProc threadproc) {
          threadproc.close();
        }
      }
    }
  }

  /** What it is given comes back. */
  private static void awaitStart(Process program) throws IOException {
    program.getOutputStream().write('.');
    program.getOutputStream().flush();
    if (program.getInputStream().read() != '.') {
      throw new IOException("a program did not start");
    }
  }

  private static long pss(long pid) throws IOException {
    return Files.readAllLines(Path.of("/proc", Long.toString(pid), "smaps_rollup")).stream()
        .filter(line -> line.startsWith("Pss:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
        .sum();
  }
}
