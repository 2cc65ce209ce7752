package io.tproc.bench;

import io.tproc.TprocHost;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The shared heap against malloc of glibc and of mimalloc (where Debian's libmimalloc2.0 is), and
 * its mutex against pthread's, plain and robust: the same program as a process, in the same run.
 */
final class HeapBenchmark implements Benchmark {
  private record Operation(String kind, int count, String aim) {}

  private static final List<Operation> OPERATIONS =
      List.of(
          new Operation("pair", 10_000_000, "aim <= 1.3"),
          new Operation("thousand", 5_000_000, "aim <= 1.3"),
          new Operation("many", 3_000_000, "aim <= 1.3"),
          new Operation("fill", 500_000, "aim <= 1.3"),
          new Operation("swap", 3_000_000, "aim <= 1.3"),
          new Operation("remote", 2_000_000, "aim <= 0.5"));

  private static final int LOCKS = 20_000_000;
  private static final int ROUNDS = 7;
  private static final int QUICK = 100;

  @Override
  public String name() {
    return "heap";
  }

  @Override
  public String about() {
    return "the shared heap against malloc of glibc and mimalloc, its mutex against pthread's";
  }

  @Override
  public void run(Settings settings) throws IOException, InterruptedException {
    try (TprocHost host = TprocHost.open()) {
      for (Operation operation : OPERATIONS) {
        String count = count(settings, operation.count());
        compare(settings, host, operation.kind(), count, "mimalloc", mimalloc(), operation.aim());
        compare(settings, host, operation.kind(), count, "glibc", List.of(), "aim < 1");
      }
      String locks = count(settings, LOCKS);
      compare(settings, host, "lock", locks, "pthread", List.of(), "aim <= 1");
      Sample[] samples =
          Rounds.measure(
              settings.count(ROUNDS, 1),
              () -> hosted(host, "lock", locks),
              () -> natively(List.of(), "lock-robust", locks));
      Report.ratio("lock", "ns", samples[0], "pthread robust", samples[1], "");
    }
  }

  private static String count(Settings settings, int count) {
    return Integer.toString(settings.count(count, count / QUICK));
  }

  private static void compare(
      Settings settings,
      TprocHost host,
      String kind,
      String count,
      String peer,
      List<String> with,
      String aim)
      throws IOException, InterruptedException {
    if (peer.equals("mimalloc") && with.isEmpty()) {
      return; // not installed here
    }
    Sample[] samples =
        Rounds.measure(
            settings.count(ROUNDS, 1),
            () -> hosted(host, kind, count),
            () -> natively(with, kind, count));
    Report.ratio(kind, "ns", samples[0], peer, samples[1], aim);
  }

  private static double hosted(TprocHost host, String kind, String count)
      throws IOException, InterruptedException {
    return Programs.figure(Programs.hosted(host, Programs.path("heap"), kind, count));
  }

  private static double natively(List<String> with, String kind, String count)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(with);
    command.addAll(List.of(Programs.path("heap-malloc"), kind, count));
    return Programs.figure(Programs.natively(command.toArray(new String[0])));
  }

  /** What a command begins with that has mimalloc for malloc; empty where there is none. */
  private static List<String> mimalloc() {
    for (String machine : List.of("x86_64-linux-gnu", "aarch64-linux-gnu")) {
      Path library = Path.of("/usr/lib", machine, "libmimalloc.so.2.0");
      if (Files.exists(library)) {
        return List.of("/usr/bin/env", "LD_PRELOAD=" + library);
      }
    }
    return List.of();
  }
}
