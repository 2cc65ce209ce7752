package io.tproc.bench;

import io.tproc.TprocHost;
import java.io.IOException;
import java.util.List;

/**
 * What a program does most: memory, threads, files; in a threadproc and in a process of its own.
 */
final class OperationsBenchmark implements Benchmark {
  private record Operation(String program, String kind, int count, String aim) {}

  private static final List<Operation> OPERATIONS =
      List.of(
          new Operation("allocations", "mixed", 5_000_000, "must be <= 1.10"),
          new Operation("allocations", "64k", 500_000, "must be <= 1.10"),
          new Operation("allocations", "mixed-eight", 5_000_000, "aim <= 1.05"),
          new Operation("mappings", "pairs", 30_000, "aim <= 1.5"),
          new Operation("mappings", "touched", 5_000, ""),
          new Operation("mappings", "faults", 200_000, "aim <= 1.05"),
          new Operation("mappings", "growth", 30_000, "aim <= 1.5"),
          new Operation("mappings", "in-child", 30_000, ""),
          new Operation("mappings", "committed", 10_000, ""),
          new Operation("mappings", "advised", 30_000, ""),
          new Operation("mappings", "crowded", 10_000, ""),
          new Operation("threads", "one", 5_000, ""),
          new Operation("threads", "eight", 5_000, ""),
          new Operation("files", "open-literal", 30_000, "aim <= 1.2"),
          new Operation("files", "open-dynamic", 100_000, "aim <= 1.2"),
          new Operation("files", "stat-literal", 30_000, "aim <= 1.2"),
          new Operation("files", "stat-dynamic", 200_000, "aim <= 1.2"),
          new Operation("files", "io-4k", 100_000, "aim <= 1.05"),
          new Operation("files", "io-1m", 1_000, "aim <= 1.05"),
          new Operation("forks", "fork", 300, "aim <= 1.05"));

  @Override
  public String name() {
    return "operations";
  }

  @Override
  public String about() {
    return "malloc, mmap, brk, page faults, threads, files, fork in a threadproc, against the same program"
        + " as a process";
  }

  @Override
  public void run(Settings settings) throws IOException, InterruptedException {
    try (TprocHost host = TprocHost.open()) {
      for (Operation operation : OPERATIONS) {
        int count = settings.count(operation.count(), operation.count() / 100);
        String[] command = {
          Programs.path(operation.program()), operation.kind(), Integer.toString(count)
        };
        Sample[] samples =
            Rounds.measure(
                settings.count(11, 1),
                () -> Programs.figure(Programs.hosted(host, command)),
                () -> Programs.figure(Programs.natively(command)));
        String what = operation.program() + " " + operation.kind();
        Report.ratio(what, "ns", samples[0], "process", samples[1], operation.aim());
      }
    }
  }
}
