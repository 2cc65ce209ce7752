package io.tproc.bench;

import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import java.io.IOException;
import java.util.List;

/**
 * What thousands of launches leave behind in the JVM, against as many launches with ProcessBuilder.
 */
final class LeakBenchmark implements Benchmark {
  private record Load(String name, int launches, List<String> command) {}

  @Override
  public String name() {
    return "leak";
  }

  @Override
  public String about() {
    return "VMAs, descriptors, threads, children, VmSize and RSS after many launches, against ProcessBuilder";
  }

  private static List<Load> loads() {
    return List.of(
        new Load("/bin/true", 10_000, List.of("/bin/true")),
        new Load("16 MiB and 3 threads", 1000, List.of(Programs.path("weight"))),
        new Load("python3", 200, List.of("/usr/bin/python3", "-c", "import json")));
  }

  @Override
  public void run(Settings settings) throws IOException, InterruptedException {
    for (Load load : loads()) {
      for (String how : List.of("threadproc", "ProcessBuilder")) {
        ChildJvm.run(
            ChildJvm.jdks().get(0),
            List.of("-XX:+UseSerialGC", "-Xms128m", "-Xmx128m", "-XX:+AlwaysPreTouch"),
            LeakBenchmark.class,
            settings.asArgument(),
            load.name(),
            how);
      }
    }
  }

  /** In a fresh JVM: settings, load, and how to launch. */
  public static void main(String... arguments) throws IOException, InterruptedException {
    Settings settings = Settings.of(arguments[0]);
    Load load =
        loads().stream().filter(any -> any.name().equals(arguments[1])).findFirst().orElseThrow();
    int launches = settings.quick() ? Math.max(3, load.launches() / 200) : load.launches();
    try (TprocHost host = TprocHost.open()) {
      for (int i = 0; i < launches / 10 + 1; i++) {
        launch(
            host,
            load,
            arguments[2]); // what the JVM loads and starts for the first launches is no leak
      }
      Footprint before = Footprint.now();
      long start = System.nanoTime();
      for (int i = 0; i < launches; i++) {
        launch(host, load, arguments[2]);
      }
      double seconds = (System.nanoTime() - start) / 1e9;
      Footprint after = Footprint.settled(before);
      Report.line(
          load.name() + ", " + arguments[2],
          String.format("%d launches in %.0f s: ", launches, seconds) + after.since(before));
    }
  }

  private static void launch(TprocHost host, Load load, String how)
      throws IOException, InterruptedException {
    int status;
    if (how.equals("threadproc")) {
      try (ThreadProc program = host.command(load.command()).start()) {
        status = program.waitFor();
      }
    } else {
      status = new ProcessBuilder(load.command()).start().waitFor();
    }
    if (status != 0) {
      throw new IllegalStateException(load.name() + " ended with status " + status);
    }
  }
}
