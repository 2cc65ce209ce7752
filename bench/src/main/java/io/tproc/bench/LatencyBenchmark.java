package io.tproc.bench;

import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import io.tproc.library.CType;
import io.tproc.library.ContainedFunction;
import io.tproc.library.ContainedLibrary;
import io.tproc.share.Channel;
import io.tproc.share.Channel.Role;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Set;
import org.HdrHistogram.Histogram;

/** How long the slow ones take: percentiles of single operations. */
final class LatencyBenchmark implements Benchmark {
  private static final int CELLS = 64;
  private static final int SIZE = 48;
  private static final int PARTS = 10;
  private static final String PROGRAM = "/bin/true";

  @Override
  public String name() {
    return "latency";
  }

  @Override
  public String about() {
    return "percentiles of single launches, calls and round trips, and of their peers";
  }

  private interface Operation {
    void run() throws IOException, InterruptedException;
  }

  @Override
  public void run(Settings settings) throws IOException, InterruptedException {
    try (TprocHost host = TprocHost.open()) {
      launches(host, settings);
      calls(host, settings);
      roundTrips(host, settings);
    }
  }

  /** In portions by turns, so that what else happens meets both. */
  private static void compare(
      int count, String one, Operation first, String other, Operation second)
      throws IOException, InterruptedException {
    Histogram[] histograms = {new Histogram(3), new Histogram(3)};
    for (int part = 0; part < PARTS; part++) {
      record(histograms[0], first, count / PARTS);
      record(histograms[1], second, count / PARTS);
    }
    Report.latency(one, histograms[0]);
    Report.latency(other, histograms[1]);
  }

  private static void record(Histogram histogram, Operation operation, int times)
      throws IOException, InterruptedException {
    for (int i = 0; i < times; i++) {
      long start = System.nanoTime();
      operation.run();
      histogram.recordValue(System.nanoTime() - start);
    }
  }

  private static void launches(TprocHost host, Settings settings)
      throws IOException, InterruptedException {
    compare(
        settings.count(2_000, 20),
        "start to end, threadproc",
        () -> {
          try (ThreadProc program = host.command(PROGRAM).inheritIO().start()) {
            program.waitFor();
          }
        },
        "start to end, ProcessBuilder",
        () -> new ProcessBuilder(PROGRAM).inheritIO().start().waitFor());
  }

  private static void calls(TprocHost host, Settings settings)
      throws IOException, InterruptedException {
    Process pipe = new ProcessBuilder(Programs.path("channels"), "echo-pipe").start();
    byte[] message = new byte[SIZE];
    try (ContainedLibrary library = host.library("libc.so.6")) {
      ContainedFunction labs = library.function("labs", CType.LONG, CType.LONG);
      compare(
          settings.count(100_000, 1_000),
          "call of a contained library",
          () -> labs.callLong(-1L),
          "round trip through pipes",
          () -> {
            pipe.getOutputStream().write(message);
            pipe.getOutputStream().flush();
            pipe.getInputStream().readNBytes(message, 0, SIZE);
          });
    } finally {
      pipe.destroy();
    }
  }

  private static void roundTrips(TprocHost host, Settings settings)
      throws IOException, InterruptedException {
    ByteBuffer message = ByteBuffer.allocate(SIZE);
    try (Channel there = host.channels().create(CELLS, Set.of(Role.SENDER));
        Channel back = host.channels().create(CELLS, Set.of(Role.RECEIVER))) {
      there.publish("latency.there");
      back.publish("latency.back");
      try (ThreadProc echo =
          host.command(Programs.path("channels"), "echo", "latency.there", "latency.back")
              .inheritIO()
              .start()) {
        int count = settings.count(100_000, 1_000);
        Histogram histogram = new Histogram(3);
        record(
            histogram,
            () -> {
              there.send(message);
              back.receive();
            },
            count);
        Report.latency("round trip through channels", histogram);
        there.close();
        echo.waitFor();
      }
    }
  }
}
