package io.tproc.bench;

import io.tproc.TprocHost;
import io.tproc.TprocListener;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A whole {@code tproc-run SOCKET PROGRAM}, from its own start to its end, against the program
 * started natively. Both by posix_spawn in a small native process, as a shell would.
 */
final class LauncherBenchmark implements Benchmark {
  @Override
  public String name() {
    return "launcher";
  }

  @Override
  public String about() {
    return "a program through a listening host and its launcher, against the program natively";
  }

  @Override
  public void run(Settings settings) throws IOException, InterruptedException {
    // A directory of ours alone: what a listening host asks for.
    Path directory = Files.createTempDirectory("tproc-bench");
    try (TprocHost host = TprocHost.open();
        TprocListener listener = host.listen(directory.resolve("socket"))) {
      String socket = listener.socket().toString();
      measure(settings, socket, "/bin/true", settings.count(200, 5), "/bin/true");
      measure(
          settings,
          socket,
          "python3 -c pass",
          settings.count(5, 1),
          "/usr/bin/python3",
          "-c",
          "pass");
    } finally {
      Files.deleteIfExists(directory);
    }
  }

  private static void measure(
      Settings settings, String socket, String what, int launches, String... command)
      throws IOException, InterruptedException {
    List<String> through = new ArrayList<>(List.of(launcher(), socket));
    through.addAll(List.of(command));
    Sample[] samples =
        Rounds.measure(
            settings.count(15, 1),
            () -> spawn(launches, through),
            () -> spawn(launches, List.of(command)));
    Report.ratio("tproc-run " + what, "us", samples[0], "native", samples[1], "aim 2");
  }

  /** Microseconds from a posix_spawn to the collected exit. */
  private static double spawn(int times, List<String> command)
      throws IOException, InterruptedException {
    List<String> spawns =
        new ArrayList<>(List.of(Programs.path("spawns"), Integer.toString(times)));
    spawns.addAll(command);
    return Programs.figure(Programs.natively(spawns.toArray(String[]::new))) / 1e3;
  }

  private static String launcher() {
    Path launcher = Path.of(System.getProperty("tproc.bench.launcher", "tproc-run"));
    if (!Files.isExecutable(launcher)) {
      throw new IllegalStateException("there is no launcher " + launcher + ": run bench/run");
    }
    return launcher.toString();
  }
}
