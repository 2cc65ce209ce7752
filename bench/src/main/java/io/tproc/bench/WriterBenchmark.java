package io.tproc.bench;

import io.tproc.TprocHost;
import java.io.IOException;

/**
 * A Java thread writes its heap while a threadproc forks in a loop: a fork must not make the heap
 * copy-on-write.
 */
final class WriterBenchmark implements Benchmark {
  private static final int PASSES = 3;

  @Override
  public String name() {
    return "writer";
  }

  @Override
  public String about() {
    return "a Java thread writes 1 GiB while a threadproc forks in a loop, against no forks, and against a forking process";
  }

  @Override
  public void run(Settings settings) throws IOException, InterruptedException {
    ChildJvm.onEach(settings, settings.quick() ? "256m" : "3g", WriterBenchmark.class);
  }

  /** In the JVM with the heap: settings and label. */
  public static void main(String... arguments) throws IOException, InterruptedException {
    Settings settings = Settings.of(arguments[0]);
    TouchedHeap heap = new TouchedHeap(settings.quick() ? 64L << 20 : 1L << 30);
    for (int i = 0; i < PASSES; i++) {
      heap.write(); // compiled from now on
    }
    try (TprocHost host = TprocHost.open()) {
      Sample[] samples =
          Rounds.measure(
              settings.count(9, 1),
              () -> {
                try (Forking forking = Forking.hosted(host)) {
                  return forking.during(() -> passes(heap));
                }
              },
              () -> passes(heap),
              () -> {
                try (Forking forking = Forking.natively()) {
                  return forking.during(() -> passes(heap));
                }
              });
      Report.ratio(arguments[1], "ms", samples[0], "no forks", samples[1], "must be <= 1.5");
      Report.ratio(arguments[1], "ms", samples[0], "forking process", samples[2], "");
    }
  }

  /** Milliseconds a pass. */
  private static double passes(TouchedHeap heap) {
    double sum = 0;
    for (int i = 0; i < PASSES; i++) {
      sum += heap.write();
    }
    return sum / PASSES;
  }
}
