package io.tproc.bench;

import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Launches a second, by several threads at once. */
final class AtOnceBenchmark implements Benchmark {
  private static final int[] THREADS = {1, 2, 4, 8, 16, 32};
  private static final int MOST_IN_QUICK = 4;
  private static final String PROGRAM = "/bin/true";

  @Override
  public String name() {
    return "at-once";
  }

  @Override
  public String about() {
    return "launches a second, start to end, by 1 to 32 threads at once";
  }

  @Override
  public void run(Settings settings) throws IOException, InterruptedException {
    int launches = settings.count(480, 16);
    try (TprocHost host = TprocHost.open()) {
      for (int threads : THREADS) {
        if (settings.quick() && threads > MOST_IN_QUICK) {
          break;
        }
        Sample[] samples =
            Rounds.measure(
                settings.count(7, 1),
                () -> perSecond(threads, launches / threads, () -> hosted(host)),
                () -> perSecond(threads, launches / threads, AtOnceBenchmark::natively));
        Report.point("threadprocs", threads, "launches/s", samples[0]);
        Report.point("ProcessBuilder", threads, "launches/s", samples[1]);
      }
    }
  }

  private static int hosted(TprocHost host) throws IOException, InterruptedException {
    try (ThreadProc program = host.command(PROGRAM).inheritIO().start()) {
      return program.waitFor();
    }
  }

  private static int natively() throws IOException, InterruptedException {
    return new ProcessBuilder(PROGRAM).inheritIO().start().waitFor();
  }

  private static double perSecond(int threads, int each, Callable<Integer> launch)
      throws IOException, InterruptedException {
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    try {
      List<Future<Integer>> running = new ArrayList<>();
      long start = System.nanoTime();
      for (int i = 0; i < threads; i++) {
        running.add(pool.submit(() -> repeat(launch, each)));
      }
      for (Future<Integer> one : running) {
        if (one.get() != 0) {
          throw new IllegalStateException(PROGRAM + " failed");
        }
      }
      return threads * (double) each / ((System.nanoTime() - start) / 1e9);
    } catch (ExecutionException failed) {
      throw new IOException(failed.getCause());
    } finally {
      pool.shutdown();
    }
  }

  private static int repeat(Callable<Integer> launch, int times) throws Exception {
    int failed = 0;
    for (int i = 0; i < times; i++) {
      failed |= launch.call();
    }
    return failed;
  }
}
