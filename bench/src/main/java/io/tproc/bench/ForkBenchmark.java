package io.tproc.bench;

import io.tproc.TprocHost;
import java.io.IOException;

/**
 * fork() in a threadproc of a JVM with a large heap, under each collector: it must not copy that
 * heap's page tables.
 */
final class ForkBenchmark implements Benchmark {
  @Override
  public String name() {
    return "fork";
  }

  @Override
  public String about() {
    return "fork() in a threadproc beside 4 GiB of touched Java heap, against the same program as a process";
  }

  @Override
  public void run(Settings settings) throws IOException, InterruptedException {
    ChildJvm.onEach(settings, settings.quick() ? "256m" : "4g", ForkBenchmark.class);
  }

  /** In the JVM with the heap: settings and label. */
  public static void main(String... arguments) throws IOException, InterruptedException {
    Settings settings = Settings.of(arguments[0]);
    String[] command = {Programs.path("forks"), "fork", Integer.toString(settings.count(300, 10))};
    try (TprocHost host = TprocHost.open()) {
      Sample[] samples =
          Rounds.measure(
              settings.count(9, 1),
              () -> Programs.figure(Programs.hosted(host, command)) / 1e3,
              () -> Programs.figure(Programs.natively(command)) / 1e3);
      Report.ratio(arguments[1], "us", samples[0], "process", samples[1], "must be <= 3");
    }
  }
}
