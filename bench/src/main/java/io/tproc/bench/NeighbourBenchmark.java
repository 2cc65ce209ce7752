package io.tproc.bench;

import io.tproc.TprocHost;
import java.io.IOException;
import java.util.List;

/**
 * How long a memory call of one program waits at worst for what another does: all of a host share
 * one address space, and one broker.
 */
final class NeighbourBenchmark implements Benchmark {
  private static final List<String> DISTURBANCES =
      List.of(
          "quiet",
          "pieces",
          "crowds",
          "unmaps",
          "discards",
          "shrinks",
          "replaces",
          "unlocks",
          "fills",
          "advises");

  @Override
  public String name() {
    return "neighbour";
  }

  @Override
  public String about() {
    return "the slowest mmap of a program beside one that maps, unmaps and crowds, against"
        + " processes of their own";
  }

  @Override
  public void run(Settings settings) throws IOException, InterruptedException {
    String seconds = settings.quick() ? "0.5" : "4";
    try (TprocHost host = TprocHost.open()) {
      for (String disturbance : DISTURBANCES) {
        String[] disturbing = {Programs.path("neighbour"), disturbance};
        String[] waiting = {Programs.path("neighbour"), "worst", seconds};
        Sample[] samples =
            Rounds.measure(
                settings.count(5, 1),
                () -> {
                  try (io.tproc.ThreadProc program = host.command(disturbing).start()) {
                    awaitBegin(program);
                    return Programs.figure(Programs.hosted(host, waiting));
                  }
                },
                () -> {
                  Process program = new ProcessBuilder(disturbing).start();
                  try {
                    awaitBegin(program);
                    return Programs.figure(Programs.natively(waiting));
                  } finally {
                    program.destroyForcibly().waitFor();
                  }
                });
        Report.ratio(disturbance, "ms", samples[0], "processes", samples[1], "must be <= 50 ms");
      }
    }
  }

  private static void awaitBegin(Process program) throws IOException {
    if (program.getInputStream().read() < 0) {
      throw new IllegalStateException("neighbour has ended");
    }
  }
}
