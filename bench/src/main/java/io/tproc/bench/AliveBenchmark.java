package io.tproc.bench;

import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Thousands of threadprocs alive, killed all at once. Needs about three descriptors for each (a JVM
 * raises its limit to the hard one, which should be 10,000 or more) and ten mappings of
 * vm.max_map_count.
 */
final class AliveBenchmark implements Benchmark {
  @Override
  public String name() {
    return "alive";
  }

  @Override
  public String about() {
    return "2,000 threadprocs alive, killed all at once, against as many processes of ProcessBuilder";
  }

  @Override
  public void run(Settings settings) throws IOException, InterruptedException {
    int count = settings.count(2000, 50);
    try (TprocHost host = TprocHost.open();
        Ticker ticker = new Ticker()) {
      List<String> command = List.of(Programs.path("sleeper"));
      host.command(command).start().close();
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(settings.count(2000, 50)));
      Report.line(
          "quiet",
          String.format("worst pause of a ticking Java thread %.0f ms", ticker.worstPause()));
      for (int round = 0; round < settings.count(3, 1); round++) {
        measure("threadprocs", count, ticker, () -> host.command(command).start());
        measure("processes", count, ticker, () -> new ProcessBuilder(command).start());
      }
    }
    hostClosed(count);
  }

  private interface Launch {
    Process start() throws IOException;
  }

  private static void measure(String what, int count, Ticker ticker, Launch launch)
      throws IOException, InterruptedException {
    Footprint before = Footprint.now();
    ticker.worstPause();
    long start = System.nanoTime();
    List<Process> programs = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      programs.add(launch.start());
    }
    double starting = (System.nanoTime() - start) / 1e9;
    double pauseAtStart = ticker.worstPause();
    Footprint between = Footprint.now();
    ticker.worstPause();

    start = System.nanoTime();
    programs.forEach(Process::destroyForcibly);
    double killed = (System.nanoTime() - start) / 1e9;
    for (Process program : programs) {
      program.waitFor();
    }
    double exited = (System.nanoTime() - start) / 1e9;
    for (Process program : programs) {
      if (program instanceof ThreadProc threadproc) {
        threadproc.close();
      } else {
        program.getInputStream().close();
        program.getErrorStream().close();
        program.getOutputStream().close();
      }
    }
    double reclaimed = (System.nanoTime() - start) / 1e9;
    double pause = ticker.worstPause();
    Report.line(
        count + " " + what,
        String.format(
            "started in %.2f s (worst pause %.0f ms), %d fds, %d VMAs; killed %.2f s, all exits known %.2f s, all reclaimed"
                + " %.2f s (worst pause %.0f ms); must be <= 2 s",
            starting,
            pauseAtStart,
            between.descriptors(),
            between.mappings(),
            killed,
            exited,
            reclaimed,
            pause));
    Report.line("", Footprint.settled(before).since(before));
  }

  private static void hostClosed(int count) throws IOException {
    Footprint before = Footprint.now();
    TprocHost host = TprocHost.open();
    for (int i = 0; i < count; i++) {
      host.command(Programs.path("sleeper")).start();
    }
    long start = System.nanoTime();
    host.close();
    Report.line(
        count + " threadprocs, host.close()",
        String.format("all reclaimed in %.2f s", (System.nanoTime() - start) / 1e9));
    Report.line("", Footprint.settled(before).since(before));
  }
}
