package io.tproc.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The command line of {@code bench/run}. */
public final class Main {
  private static final List<Benchmark> ALL =
      List.of(
          new OperationsBenchmark(),
          new LaunchBenchmark(),
          new PreparedBenchmark(),
          new AtOnceBenchmark(),
          new LauncherBenchmark(),
          new CommandBenchmark(),
          new ForkBenchmark(),
          new ForkNeighbourBenchmark(),
          new WriterBenchmark(),
          new GrowingHeapBenchmark(),
          new JvmBenchmark(),
          new BesideBenchmark(),
          new CrowdBenchmark(),
          new AliveBenchmark(),
          new NeighbourBenchmark(),
          new StormBenchmark(),
          new LeakBenchmark(),
          new ContainedBenchmark(),
          new ChannelBenchmark(),
          new SleepingBenchmark(),
          new RingBenchmark(),
          new HandOverBenchmark(),
          new ManyBenchmark(),
          new MemoryBenchmark(),
          new LatencyBenchmark(),
          new MethodsBenchmark(),
          new WorkersBenchmark(),
          new PythonBenchmark(),
          new HeapBenchmark());

  private Main() {}

  /** Runs the named benchmarks, or all. Exits with 1 when one could not be run. */
  public static void main(String... arguments) throws IOException, InterruptedException {
    List<String> names = new ArrayList<>(List.of(arguments));
    if (names.remove("--list")) {
      ALL.forEach(
          benchmark -> System.out.printf("%-12s %s%n", benchmark.name(), benchmark.about()));
      return;
    }
    Settings settings = new Settings(lengthOf(names), names.remove("--every-jvm"));
    beginResults(names);
    for (String name : names) {
      if (ALL.stream().noneMatch(benchmark -> benchmark.name().equals(name))) {
        System.err.println(
            "bench/run: no such benchmark: " + name + "; bench/run --list names them");
        System.exit(2);
      }
    }
    int failed = 0;
    for (Benchmark benchmark : ALL) {
      if (names.isEmpty() || names.contains(benchmark.name())) {
        Report.title(benchmark.name(), benchmark.about());
        failed += runOne(benchmark, settings) ? 0 : 1;
      }
    }
    System.exit(failed == 0 ? 0 : 1);
  }

  private static Settings.Length lengthOf(List<String> arguments) {
    if (arguments.remove("--quick")) {
      return Settings.Length.QUICK;
    }
    return arguments.remove("--short") ? Settings.Length.SHORT : Settings.Length.FULL;
  }

  /** --json FILE. */
  private static void beginResults(List<String> arguments) throws IOException {
    int option = arguments.indexOf("--json");
    if (option < 0) {
      return;
    }
    arguments.remove(option);
    if (option == arguments.size()) {
      System.err.println("bench/run: --json needs a file");
      System.exit(2);
    }
    Results.begin(Path.of(arguments.remove(option)), Machine.description());
  }

  /** The others are measured all the same when one cannot. */
  private static boolean runOne(Benchmark benchmark, Settings settings)
      throws InterruptedException {
    try {
      benchmark.run(settings);
      return true;
    } catch (IOException | RuntimeException e) {
      Report.line("FAILED", e.toString());
      return false;
    }
  }
}
