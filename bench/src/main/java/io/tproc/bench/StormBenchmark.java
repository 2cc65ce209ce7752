package io.tproc.bench;

import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Programs that do nothing but map, unmap and move their break, each killed at a random moment of
 * its life.
 */
final class StormBenchmark implements Benchmark {
  private static final int TOGETHER = 4;

  /** Microseconds: from before the program's first instruction to well into its loop. */
  private static final int LIFE_MAX = 4000;

  @Override
  public String name() {
    return "storm";
  }

  @Override
  public String about() {
    return "5,000 launches of a busy mmap/munmap/brk program, each killed at a random moment, against ProcessBuilder";
  }

  @Override
  public void run(Settings settings) throws IOException, InterruptedException {
    try (TprocHost host = TprocHost.open()) {
      String storm = Programs.path("storm");
      int count = settings.count(5000, 50);
      measure("threadprocs", count, settings, () -> host.command(storm).inheritIO().start());
      String answer = Programs.hosted(host, "/bin/echo", "the broker answers");
      Report.line("afterwards", answer.strip());
      measure(
          "processes", count / 5, settings, () -> new ProcessBuilder(storm).inheritIO().start());
    }
  }

  private interface Launch {
    Process start() throws IOException;
  }

  private static void measure(String what, int count, Settings settings, Launch launch)
      throws IOException, InterruptedException {
    Random random = new Random(1);
    storm(settings.count(200, 5), random, launch);
    Footprint before = Footprint.now();
    long start = System.nanoTime();
    storm(count, random, launch);
    double seconds = (System.nanoTime() - start) / 1e9;
    Report.line(
        count + " " + what,
        String.format("%.0f s; ", seconds) + Footprint.settled(before).since(before));
  }

  private static void storm(int count, Random random, Launch launch)
      throws IOException, InterruptedException {
    Queue<Process> alive = new ArrayDeque<>();
    for (int i = 0; i < count; i++) {
      alive.add(launch.start());
      LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(random.nextInt(LIFE_MAX)));
      if (alive.size() == TOGETHER) {
        kill(alive.remove());
      }
    }
    while (!alive.isEmpty()) {
      kill(alive.remove());
    }
  }

  private static void kill(Process program) throws InterruptedException {
    program.destroyForcibly();
    int status = program.waitFor();
    if (status != 128 + 9) {
      throw new IllegalStateException(
          "storm ended with status " + status + " before it was killed");
    }
    if (program instanceof ThreadProc threadproc) {
      threadproc.close();
    }
  }
}
