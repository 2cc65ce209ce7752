package io.tproc.bench;

import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import java.io.IOException;

/**
 * fork() beside another program with much memory: as things are it is copied, too; if that program
 * has promised never to fork it is not.
 */
final class ForkNeighbourBenchmark implements Benchmark {
  @Override
  public String name() {
    return "fork-beside";
  }

  @Override
  public String about() {
    return "fork() of a program beside another that has 4 GiB, against the same program as a process";
  }

  @Override
  public void run(Settings settings) throws IOException, InterruptedException {
    measure(settings, "beside one that may fork", false, 10);
    measure(settings, "beside one that never forks", true, 300);
  }

  private static void measure(Settings settings, String label, boolean neverForks, int forks)
      throws IOException, InterruptedException {
    String[] holding = {Programs.path("forks"), "holds", settings.quick() ? "256" : "4096"};
    String[] forking = {
      Programs.path("forks"), "fork", Integer.toString(settings.count(forks, 10))
    };
    try (TprocHost host = TprocHost.open();
        ThreadProc neighbour = host.command(holding).neverForks(neverForks).start()) {
      if (neighbour.getInputStream().read() < 0) {
        throw new IllegalStateException("forks has ended");
      }
      Sample[] samples =
          Rounds.measure(
              settings.count(5, 1),
              () -> Programs.figure(Programs.hosted(host, forking)) / 1e3,
              () -> Programs.figure(Programs.natively(forking)) / 1e3);
      Report.ratio(
          label, "us", samples[0], "process", samples[1], neverForks ? "must be <= 3" : "");
    }
  }
}
