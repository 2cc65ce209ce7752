package io.tproc.bench;

import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * From start() to the collected exit: a threadproc, a ProcessBuilder's process, and posix_spawn in
 * a small native process.
 */
final class LaunchBenchmark implements Benchmark {
  @Override
  public String name() {
    return "launch";
  }

  @Override
  public String about() {
    return "start a program and wait for its end, against ProcessBuilder and posix_spawn";
  }

  @Override
  public void run(Settings settings) throws IOException, InterruptedException {
    try (TprocHost host = TprocHost.open()) {
      measure(host, "/bin/true", settings.count(200, 5), settings.count(15, 1), "/bin/true");
      measure(
          host,
          "python3 -c pass",
          settings.count(5, 1),
          settings.count(15, 1),
          "/usr/bin/python3",
          "-c",
          "pass");
    }
  }

  private static void measure(
      TprocHost host, String what, int launches, int rounds, String... command)
      throws IOException, InterruptedException {
    List<String> spawning =
        new ArrayList<>(List.of(Programs.path("spawns"), Integer.toString(launches)));
    spawning.addAll(List.of(command));
    Sample[] samples =
        Rounds.measure(
            rounds,
            () -> time(launches, () -> hosted(host, command)),
            () -> time(launches, () -> natively(command)),
            () -> Programs.figure(Programs.natively(spawning.toArray(String[]::new))) / 1e3);
    Report.ratio(what, "us", samples[0], "ProcessBuilder", samples[1], "");
    Report.ratio(what, "us", samples[0], "posix_spawn", samples[2], "");
  }

  private interface Launch {
    int exitValue() throws IOException, InterruptedException;
  }

  /** Microseconds a launch. */
  private static double time(int launches, Launch launch) throws IOException, InterruptedException {
    long start = System.nanoTime();
    for (int i = 0; i < launches; i++) {
      int exitValue = launch.exitValue();
      if (exitValue != 0) {
        throw new IllegalStateException("a launch ended with status " + exitValue);
      }
    }
    return (System.nanoTime() - start) / 1e3 / launches;
  }

  private static int hosted(TprocHost host, String... command)
      throws IOException, InterruptedException {
    try (ThreadProc program = host.command(command).inheritIO().start()) {
      return program.waitFor();
    }
  }

  private static int natively(String... command) throws IOException, InterruptedException {
    return new ProcessBuilder(command).inheritIO().start().waitFor();
  }
}
