package io.tproc.bench;

import io.tproc.TprocHost;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * The same as {@link WriterBenchmark}, with a heap that grows while the threadproc forks, and forks
 * after it has grown. Each figure is that of a JVM of its own.
 */
final class GrowingHeapBenchmark implements Benchmark {
  private static final List<String> BESIDE = List.of("hosted", "no forks", "process");

  @Override
  public String name() {
    return "growing";
  }

  @Override
  public String about() {
    return "a heap that grows by 2 GiB while a threadproc forks in a loop, against no forks; fork() afterwards";
  }

  @Override
  public void run(Settings settings) throws IOException, InterruptedException {
    ChildJvm.onEach(settings, (jdk, collector) -> measure(settings, jdk, collector));
  }

  private static void measure(Settings settings, Path jdk, String collector)
      throws IOException, InterruptedException {
    List<String> options =
        List.of(
            "-XX:+Use" + collector + "GC", "-Xms64m", "-Xmx" + (settings.quick() ? "512m" : "4g"));
    double[] forks = new double[2];
    Sample[] samples =
        Rounds.measure(
            settings.count(3, 1),
            BESIDE.stream()
                .map(
                    beside ->
                        (Rounds.Subject)
                            () -> {
                              double[] figures =
                                  ChildJvm.figures(
                                      jdk,
                                      options,
                                      GrowingHeapBenchmark.class,
                                      settings.asArgument(),
                                      beside);
                              if (beside.equals("hosted")) {
                                System.arraycopy(figures, 1, forks, 0, forks.length);
                              }
                              return figures[0];
                            })
                .toArray(Rounds.Subject[]::new));
    String what = ChildJvm.nameOf(jdk) + " " + collector;
    Report.ratio(what, "ms", samples[0], "no forks", samples[1], "aim <= 1.3");
    Report.ratio(what, "ms", samples[0], "forking process", samples[2], "");
    Report.line(
        what,
        String.format(Locale.ROOT, "a fork before %.0f us, after %.0f us", forks[0], forks[1]));
  }

  /**
   * In the JVM whose heap grows: settings, and what forks meanwhile. Prints the milliseconds, and
   * the microseconds of a fork before and after.
   */
  public static void main(String... arguments) throws IOException, InterruptedException {
    Settings settings = Settings.of(arguments[0]);
    String[] command = {Programs.path("forks"), "fork", Integer.toString(settings.count(200, 10))};
    try (TprocHost host = TprocHost.open()) {
      double before = Programs.figure(Programs.hosted(host, command)) / 1e3;
      TouchedHeap[] heap = new TouchedHeap[1];
      double milliseconds =
          besideForks(
              arguments[1], host, () -> grow(heap, settings.quick() ? 128L << 20 : 2L << 30));
      double after = Programs.figure(Programs.hosted(host, command)) / 1e3;
      heap[0].write();
      System.out.println(milliseconds + " " + before + " " + after);
    }
  }

  private static double grow(TouchedHeap[] heap, long bytes) {
    long start = System.nanoTime();
    heap[0] = new TouchedHeap(bytes);
    return (System.nanoTime() - start) / 1e6;
  }

  private static double besideForks(String beside, TprocHost host, Rounds.Subject subject)
      throws IOException, InterruptedException {
    if (beside.equals("no forks")) {
      return subject.measure();
    }
    try (Forking forking = beside.equals("hosted") ? Forking.hosted(host) : Forking.natively()) {
      return forking.during(subject);
    }
  }
}
