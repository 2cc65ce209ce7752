package io.tproc.bench;

import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import io.tproc.share.Channel;
import io.tproc.share.Channel.Role;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.Set;

/** Round trips and messages through channels, against pipes. */
final class ChannelBenchmark implements Benchmark {
  private record Operation(String kind, String peer, int count, String aim) {}

  private static final Operation[] OPERATIONS = {
    new Operation("spinning", "pipes", 50_000, "aim <= 0.02"),
    new Operation("sleeping", "pipes", 50_000, "aim <= 1"),
    new Operation("messages", "pipe-messages", 2_000_000, ""),
    new Operation("one-sender", "pipe-messages", 2_000_000, ""),
    new Operation("batches", "pipe-messages", 2_000_000, "")
  };

  private static final int SIZE = 48;
  private static final int CELLS = 64;

  @Override
  public String name() {
    return "channels";
  }

  @Override
  public String about() {
    return "round trips, and 64-byte messages one way, through channels, against pipes";
  }

  @Override
  public void run(Settings settings) throws IOException, InterruptedException {
    try (TprocHost host = TprocHost.open()) {
      for (Operation operation : OPERATIONS) {
        String count = Integer.toString(settings.count(operation.count(), 2_000));
        double[] medians =
            Rounds.medians(
                settings.count(11, 1),
                () -> figure(host, operation.kind(), count),
                () -> figure(host, operation.peer(), count));
        Report.ratio(
            operation.kind(), "ns", medians[0], operation.peer(), medians[1], operation.aim());
      }
      java(host, settings);
    }
  }

  private static double figure(TprocHost host, String kind, String count)
      throws IOException, InterruptedException {
    return Programs.figure(Programs.hosted(host, Programs.path("channels"), kind, count));
  }

  private static void java(TprocHost host, Settings settings)
      throws IOException, InterruptedException {
    int count = settings.count(20_000, 500);
    try (Channel there = host.channels().create(CELLS, Set.of(Role.SENDER));
        Channel back = host.channels().create(CELLS, Set.of(Role.RECEIVER))) {
      there.publish("bench.there");
      back.publish("bench.back");
      try (ThreadProc echo =
              host.command(Programs.path("channels"), "echo", "bench.there", "bench.back").start();
          ThreadProc pipe = host.command(Programs.path("channels"), "echo-pipe").start()) {
        double[] medians =
            Rounds.medians(
                settings.count(11, 1),
                () -> roundTrips(there, back, count),
                () -> roundTrips(pipe.getOutputStream(), pipe.getInputStream(), count));
        Report.ratio("Java and a program", "ns", medians[0], "pipes", medians[1], "aim <= 0.02");
        there.close();
        echo.waitFor();
        pipe.getOutputStream().close();
        pipe.waitFor();
      }
    }
  }

  private static double roundTrips(Channel there, Channel back, int count)
      throws InterruptedException {
    ByteBuffer data = ByteBuffer.allocate(SIZE);
    long start = System.nanoTime();
    for (int i = 0; i < count; i++) {
      there.send(data);
      back.receive();
    }
    return (double) (System.nanoTime() - start) / count;
  }

  private static double roundTrips(OutputStream there, InputStream back, int count)
      throws IOException {
    byte[] data = new byte[SIZE];
    long start = System.nanoTime();
    for (int i = 0; i < count; i++) {
      there.write(data);
      there.flush();
      back.readNBytes(data, 0, SIZE);
    }
    return (double) (System.nanoTime() - start) / count;
  }
}
