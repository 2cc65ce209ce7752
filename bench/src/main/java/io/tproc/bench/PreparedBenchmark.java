package io.tproc.bench;

import io.tproc.ThreadProc;
import io.tproc.ThreadProcBuilder;
import io.tproc.TprocHost;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * From start() to the collected exit of programs that were prepared, against ordinary starts,
 * ProcessBuilder, and posix_spawn in a small native process. New ones are made between the
 * measurements, not in them.
 */
final class PreparedBenchmark implements Benchmark {
  /** Until what has been thrown away is gone. */
  private static final int SETTLING_MILLISECONDS = 20;

  @Override
  public String name() {
    return "prepared";
  }

  @Override
  public String about() {
    return "start a prepared program and wait for its end, against an ordinary start and others";
  }

  @Override
  public void run(Settings settings) throws IOException, InterruptedException {
    int rounds = settings.count(15, 1);
    try (TprocHost host = TprocHost.open()) {
      new Subject(host, settings.count(10, 1), 20, "/bin/true").measure("/bin/true", rounds);
      // Debian's has fixed addresses: one of them can wait.
      new Subject(host, settings.count(5, 1), 1, "/usr/bin/python3", "-c", "pass")
          .measure("python3 -c pass", rounds);
    }
  }

  /** A program that is started so often: several times as many as wait, one after the other. */
  private static final class Subject {
    private final TprocHost host;
    private final int bursts;
    private final int waiting;
    private final String[] command;
    private final List<Double> preparedStarts = new ArrayList<>();
    private final List<Double> ordinaryStarts = new ArrayList<>();

    Subject(TprocHost host, int bursts, int waiting, String... command) {
      this.host = host;
      this.bursts = bursts;
      this.waiting = waiting;
      this.command = command;
    }

    void measure(String what, int rounds) throws IOException, InterruptedException {
      List<String> spawning =
          new ArrayList<>(List.of(Programs.path("spawns"), Integer.toString(bursts * waiting)));
      spawning.addAll(List.of(command));
      Sample[] samples =
          Rounds.measure(
              rounds,
              () -> hosted(true, preparedStarts),
              () -> hosted(false, ordinaryStarts),
              this::natively,
              () -> Programs.figure(Programs.natively(spawning.toArray(String[]::new))) / 1e3);
      Report.ratio(what, "us", samples[0], "ordinary start", samples[1], "");
      Report.ratio(what, "us", samples[0], "ProcessBuilder", samples[2], "");
      Report.ratio(what, "us", samples[0], "posix_spawn", samples[3], "");
      Report.ratio(
          what + ", start() alone",
          "us",
          sample(preparedStarts),
          "ordinary start",
          sample(ordinaryStarts),
          "");
    }

    /** Microseconds a launch until its end; until start() returns goes to the list. */
    private double hosted(boolean prepared, List<Double> starts)
        throws IOException, InterruptedException {
      ThreadProcBuilder builder = host.command(command).inheritIO();
      long all = 0;
      long untilStarted = 0;
      for (int burst = 0; burst < bursts; burst++) {
        if (prepared) {
          builder.prepare(waiting);
        }
        for (int i = 0; i < waiting; i++) {
          long begin = System.nanoTime();
          try (ThreadProc program = builder.start()) {
            untilStarted += System.nanoTime() - begin;
            check(program.waitFor());
          }
          all += System.nanoTime() - begin;
        }
      }
      if (prepared) {
        checkThatAllWerePrepared();
        builder.prepare(0);
        Thread.sleep(SETTLING_MILLISECONDS);
      }
      starts.add(untilStarted / 1e3 / (bursts * waiting));
      return all / 1e3 / (bursts * waiting);
    }

    private void checkThatAllWerePrepared() {
      long started = host.prepared().get(0).started();
      if (started != (long) bursts * waiting) {
        throw new IllegalStateException("only " + started + " starts got a prepared program");
      }
    }

    private double natively() throws IOException, InterruptedException {
      ProcessBuilder builder = new ProcessBuilder(command).inheritIO();
      long begin = System.nanoTime();
      for (int i = 0; i < bursts * waiting; i++) {
        check(builder.start().waitFor());
      }
      return (System.nanoTime() - begin) / 1e3 / (bursts * waiting);
    }

    private static Sample sample(List<Double> values) {
      return new Sample(values.stream().mapToDouble(Double::doubleValue).toArray());
    }

    private static void check(int exitValue) {
      if (exitValue != 0) {
        throw new IllegalStateException("a launch ended with status " + exitValue);
      }
    }
  }
}
