package io.tproc.bench;

import io.tproc.TprocHost;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a call to the broker takes when many programs map memory at once. */
final class CrowdBenchmark implements Benchmark {
  private static final int[] COUNTS = {1, 100, 1000};
  private static final int MOST_IN_QUICK = 10;

  /** Of all programs together, so that the machine has as much to do with many as with one. */
  private static final int PAIRS_A_SECOND = 5_000;

  @Override
  public String name() {
    return "crowd";
  }

  @Override
  public String about() {
    return "mmap and munmap of 1, 100 and 1,000 programs at once, against as many processes";
  }

  @Override
  public void run(Settings settings) throws IOException, InterruptedException {
    try (TprocHost host = TprocHost.open()) {
      for (int wanted : COUNTS) {
        int count = settings.quick() ? Math.min(wanted, MOST_IN_QUICK) : wanted;
        saturated(settings, host, count);
        paced(settings, host, count);
      }
    }
  }

  private static void saturated(Settings settings, TprocHost host, int count)
      throws IOException, InterruptedException {
    int each = Math.max(1, settings.count(100_000, 2_000) / count);
    Sample[] samples =
        Rounds.measure(
            settings.count(5, 1),
            () -> nanosecondsPerPair(host, count, each),
            () -> nanosecondsPerPair(null, count, each));
    Report.ratio(
        count + " at once, a pair", "ns", samples[0], "processes", samples[1], "aim <= 1.5");
  }

  /** Of all, from the first one's beginning to the last one's end. */
  private static double nanosecondsPerPair(@Nullable TprocHost host, int count, int each)
      throws IOException, InterruptedException {
    try (Crowd crowd = new Crowd(host, count, "pairs", Integer.toString(each))) {
      long start = System.nanoTime();
      crowd.begin();
      crowd.outputs();
      return (double) (System.nanoTime() - start) / count / each;
    }
  }

  private static final List<String> LATENCIES = List.of("median", "p99", "worst");

  private static void paced(Settings settings, TprocHost host, int count)
      throws IOException, InterruptedException {
    int rounds = settings.count(5, 1);
    double[][] hosted = new double[LATENCIES.size()][rounds],
        own = new double[LATENCIES.size()][rounds];
    for (int round = 0; round < rounds; round++) {
      latencies(settings, host, count, hosted, round);
      latencies(settings, null, count, own, round);
    }
    for (int i = 0; i < LATENCIES.size(); i++) {
      Report.ratio(
          count + " paced, a pair's " + LATENCIES.get(i),
          "us",
          new Sample(hosted[i]),
          "processes",
          new Sample(own[i]),
          "");
    }
  }

  /** The median program's median and p99, and the worst of all. */
  private static void latencies(
      Settings settings, @Nullable TprocHost host, int count, double[][] to, int round)
      throws IOException, InterruptedException {
    int period = 1_000_000 / PAIRS_A_SECOND * count;
    int each = Math.max(5, settings.count(15_000, 500) / count);
    try (Crowd crowd =
        new Crowd(host, count, "paced", Integer.toString(each), Integer.toString(period))) {
      crowd.begin();
      List<double[]> all = crowd.outputs().stream().map(CrowdBenchmark::microseconds).toList();
      for (int i = 0; i < LATENCIES.size(); i++) {
        int which = i;
        Sample ofAll = new Sample(all.stream().mapToDouble(one -> one[which]).toArray());
        to[i][round] =
            i + 1 < LATENCIES.size()
                ? ofAll.median()
                : all.stream().mapToDouble(one -> one[which]).max().orElseThrow();
      }
    }
  }

  private static double[] microseconds(String line) {
    return List.of(line.split(" ")).stream()
        .mapToDouble(figure -> Double.parseDouble(figure) / 1e3)
        .toArray();
  }
}
