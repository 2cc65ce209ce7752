package io.tproc.bench;

import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import io.tproc.share.Channel;
import io.tproc.share.Channel.Role;
import io.tproc.share.SharedBlock;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Set;

/** Round trips and messages through channels, against pipes. */
final class ChannelBenchmark implements Benchmark {
  private record Operation(String kind, String peer, int count, String aim) {}

  private static final Operation[] OPERATIONS = {
    new Operation("spinning", "pipes", 50_000, "aim <= 0.02"),
    new Operation("sleeping", "pipes", 50_000, "aim <= 1"),
    new Operation("sleeping-on-one-cpu", "pipes-on-one-cpu", 50_000, "aim <= 1"),
    new Operation("spinning", "sockets", 50_000, ""),
    new Operation("sleeping", "sockets", 50_000, ""),
    new Operation("messages", "pipe-messages", 2_000_000, ""),
    new Operation("one-each", "pipe-messages", 2_000_000, ""),
    new Operation("batches", "pipe-messages", 2_000_000, "")
  };

  private static final int CELLS = 64;
  private static final long GIBIBYTE = 1L << 30;
  private static final long PAGE = 4096;

  @Override
  public String name() {
    return "channels";
  }

  @Override
  public String about() {
    return "round trips, and 64-byte messages one way, through channels, against pipes and sockets";
  }

  @Override
  public void run(Settings settings) throws IOException, InterruptedException {
    try (TprocHost host = TprocHost.open()) {
      for (Operation operation : OPERATIONS) {
        String count = Integer.toString(settings.count(operation.count(), 2_000));
        Sample[] samples =
            Rounds.measure(
                settings.count(11, 1),
                () -> figure(host, operation.kind(), count),
                () -> figure(host, operation.peer(), count));
        Report.ratio(
            operation.kind(), "ns", samples[0], operation.peer(), samples[1], operation.aim());
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
        Sample[] samples =
            Rounds.measure(
                settings.count(11, 1),
                () -> RoundTrips.through(there, back, count),
                () -> RoundTrips.through(pipe.getOutputStream(), pipe.getInputStream(), count));
        Report.ratio("Java and a program", "ns", samples[0], "pipes", samples[1], "aim <= 0.02");
        Sample[] withThreads =
            Rounds.measure(
                settings.count(11, 1),
                () -> RoundTrips.through(there, back, count),
                () -> RoundTrips.ofThreads(count));
        Report.ratio(
            "Java and a program",
            "ns",
            withThreads[0],
            "two threads",
            withThreads[1],
            "aim <= 1.2");
        Sample[] withParked =
            Rounds.measure(
                settings.count(11, 1),
                () -> RoundTrips.through(there, back, count),
                () -> RoundTrips.ofParked(count));
        Report.ratio(
            "Java and a program",
            "ns",
            withParked[0],
            "parked threads",
            withParked[1],
            "aim <= 1.2");
        Sample[] handOvers =
            Rounds.measure(
                settings.count(11, 1),
                () -> handOvers(host, there, back, GIBIBYTE, count),
                () -> handOvers(host, there, back, PAGE, count));
        Report.ratio("there and back, 1 GiB", "ns", handOvers[0], "4 KiB", handOvers[1], "aim 1");
        there.close();
        echo.waitFor();
        pipe.getOutputStream().close();
        pipe.waitFor();
      }
    }
  }

  /** A block goes to a program and comes back, and is Java's again. */
  private static double handOvers(TprocHost host, Channel there, Channel back, long size, int count)
      throws InterruptedException {
    ByteBuffer data = ByteBuffer.allocate(RoundTrips.SIZE);
    SharedBlock block = host.heap().allocate(size);
    long start = System.nanoTime();
    for (int i = 0; i < count; i++) {
      there.send(data, block);
      block = back.receive().block().orElseThrow();
    }
    double each = (double) (System.nanoTime() - start) / count;
    block.close();
    return each;
  }
}
