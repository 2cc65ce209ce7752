package io.tproc.bench;

import io.tproc.TprocHost;
import java.io.IOException;
import java.util.List;

/**
 * The same as {@link WriterBenchmark}, with a heap that grows while the threadproc forks, and forks
 * after it has grown.
 */
final class GrowingHeapBenchmark implements Benchmark {
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
    String most = "-Xmx" + (settings.quick() ? "512m" : "4g");
    ChildJvm.onEach(
        settings,
        (jdk, collector) -> {
          for (String beside : List.of("no forks", "hosted", "process")) {
            ChildJvm.run(
                jdk,
                List.of("-XX:+Use" + collector + "GC", "-Xms64m", most),
                GrowingHeapBenchmark.class,
                settings.asArgument(),
                ChildJvm.nameOf(jdk) + " " + collector,
                beside);
          }
        });
  }

  /** In the JVM whose heap grows: settings, label, and what forks meanwhile. */
  public static void main(String... arguments) throws IOException, InterruptedException {
    Settings settings = Settings.of(arguments[0]);
    String what = arguments[1] + ", " + arguments[2];
    String[] command = {Programs.path("forks"), "fork", Integer.toString(settings.count(200, 10))};
    try (TprocHost host = TprocHost.open()) {
      double before = Programs.figure(Programs.hosted(host, command)) / 1e3;
      TouchedHeap heap;
      double milliseconds;
      try (AutoCloseable forking = forking(arguments[2], host)) {
        long start = System.nanoTime();
        heap = new TouchedHeap(settings.quick() ? 128L << 20 : 2L << 30);
        milliseconds = (System.nanoTime() - start) / 1e6;
      } catch (IOException | InterruptedException | RuntimeException e) {
        throw e;
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
      double after = Programs.figure(Programs.hosted(host, command)) / 1e3;
      heap.write();
      Report.line(
          what,
          String.format(
              "grown in %.0f ms; a fork before %.0f us, after %.0f us",
              milliseconds, before, after));
    }
  }

  private static AutoCloseable forking(String beside, TprocHost host) throws IOException {
    return switch (beside) {
      case "hosted" -> Forking.hosted(host);
      case "process" -> Forking.natively();
      default -> () -> {};
    };
  }
}
