package io.tproc.bench;

import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import io.tproc.share.Channel;
import io.tproc.share.Channel.Role;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeoutException;

/**
 * Round trips between Java and a program that sleep at once: in a JVM that takes the machine for
 * one with a single CPU, where nobody looks again before it sleeps.
 */
final class SleepingBenchmark implements Benchmark {
  private static final Duration SOON = Duration.ofSeconds(30);
  private static final int ROUNDS = 11;

  @Override
  public String name() {
    return "sleeping";
  }

  @Override
  public String about() {
    return "round trips of Java and a program without looks, against pipes and two threads of Java";
  }

  @Override
  public void run(Settings settings) throws IOException, InterruptedException {
    ChildJvm.run(
        ChildJvm.jdks().get(0),
        List.of("-XX:ActiveProcessorCount=1", "-XX:+UseSerialGC"),
        SleepingBenchmark.class,
        settings.asArgument());
  }

  /** In a JVM of its own: settings. */
  public static void main(String... arguments)
      throws IOException, InterruptedException, TimeoutException {
    Settings settings = Settings.of(arguments[0]);
    String program = Programs.path("channels");
    try (TprocHost host = TprocHost.open();
        ThreadProc echo =
            host.command(program, "echo-sleeping", "bench.there", "bench.back").start();
        Channel there = host.channels().open("bench.there", Set.of(Role.SENDER), SOON);
        Channel back = host.channels().open("bench.back", Set.of(Role.RECEIVER), SOON);
        ThreadProc pipe = host.command(program, "echo-pipe").start()) {
      int count = settings.count(20_000, 500);
      Rounds.Subject ours = () -> RoundTrips.through(there, back, count);
      compare(
          settings,
          ours,
          "pipes",
          () -> RoundTrips.through(pipe.getOutputStream(), pipe.getInputStream(), count),
          "aim <= 1");
      compare(settings, ours, "two threads", () -> RoundTrips.ofThreads(count), "aim <= 1.2");
      compare(settings, ours, "parked threads", () -> RoundTrips.ofParked(count), "aim <= 1.2");
      there.close();
      echo.waitFor();
      pipe.getOutputStream().close();
      pipe.waitFor();
    }
  }

  private static void compare(
      Settings settings, Rounds.Subject ours, String peer, Rounds.Subject other, String aim)
      throws IOException, InterruptedException {
    Sample[] samples = Rounds.measure(settings.count(ROUNDS, 1), ours, other);
    Report.ratio("Java and a program", "ns", samples[0], peer, samples[1], aim);
  }
}
