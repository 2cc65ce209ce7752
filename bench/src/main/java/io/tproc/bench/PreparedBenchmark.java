package io.tproc.bench;

import io.tproc.ThreadProc;
import io.tproc.ThreadProcBuilder;
import io.tproc.TprocHost;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * From start() to the collected exit of programs that were prepared, against ordinary starts,
 * ProcessBuilder, and posix_spawn in a small native process. New ones are made between the
 * measurements, not in them.
 */
final class PreparedBenchmark implements Benchmark {
  /** Until what has been thrown away is gone. */
  private static final int SETTLING_MILLISECONDS = 20;

  /** What a program has to load before it begins. */
  private static final String IMPORTS =
      """
      import asyncio, decimal, email.message, http.client, json, tproc
      tproc.ready()
      """;

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
      withImports(host, settings.count(5, 1), rounds);
    }
  }

  private static void withImports(TprocHost host, int bursts, int rounds)
      throws IOException, InterruptedException {
    Path script = Files.createTempFile("tproc-bench", ".py");
    try {
      Files.writeString(script, IMPORTS);
      Thread.sleep(5 * SETTLING_MILLISECONDS); // what has just changed is not prepared
      new Subject(host, bursts, 1, "/usr/bin/python3", script.toString())
          .untilReady(libtproc())
          .measure("python3 with imports", rounds);
    } finally {
      Files.delete(script);
    }
  }

  /** Where Python finds libtproc. */
  private static Map<String, String> libtproc() {
    Path tree = Path.of(System.getProperty("tproc.bench.launcher", "")).resolve("../..");
    return Map.of(
        "TPROC_LIBRARY", tree.resolve("lib/libtproc.so").normalize().toString(),
        "PYTHONPATH", tree.resolve("../../../libtproc-python").normalize().toString());
  }

  /** A program that is started so often: several times as many as wait, one after the other. */
  private static final class Subject {
    private final TprocHost host;
    private final int bursts;
    private final int waiting;
    private final String[] command;
    private final Map<String, String> environment = new HashMap<>();
    private boolean untilReady;
    private final List<Double> preparedStarts = new ArrayList<>();
    private final List<Double> ordinaryStarts = new ArrayList<>();

    Subject(TprocHost host, int bursts, int waiting, String... command) {
      this.host = host;
      this.bursts = bursts;
      this.waiting = waiting;
      this.command = command;
    }

    /** It runs ahead. */
    Subject untilReady(Map<String, String> variables) {
      environment.putAll(variables);
      untilReady = true;
      return this;
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
              () -> spawned(spawning));
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
      builder.environment().putAll(environment);
      long all = 0;
      long untilStarted = 0;
      for (int burst = 0; burst < bursts; burst++) {
        if (prepared) {
          prepare(builder, waiting);
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
        prepare(builder, 0);
        Thread.sleep(SETTLING_MILLISECONDS);
      }
      starts.add(untilStarted / 1e3 / (bursts * waiting));
      return all / 1e3 / (bursts * waiting);
    }

    private void prepare(ThreadProcBuilder builder, int count) throws IOException {
      if (untilReady) {
        builder.prepareUntilReady(count);
      } else {
        builder.prepare(count);
      }
    }

    private void checkThatAllWerePrepared() {
      long started = host.prepared().get(0).started();
      if (started != (long) bursts * waiting) {
        throw new IllegalStateException("only " + started + " starts got a prepared program");
      }
    }

    private double natively() throws IOException, InterruptedException {
      ProcessBuilder builder = new ProcessBuilder(command).inheritIO();
      builder.environment().putAll(environment);
      long begin = System.nanoTime();
      for (int i = 0; i < bursts * waiting; i++) {
        check(builder.start().waitFor());
      }
      return (System.nanoTime() - begin) / 1e3 / (bursts * waiting);
    }

    /** By a native process that measures itself. */
    private double spawned(List<String> spawning) throws IOException, InterruptedException {
      ProcessBuilder builder = new ProcessBuilder(spawning);
      builder.environment().putAll(environment);
      return Programs.figure(Programs.outputOf(builder.start(), spawning.get(0))) / 1e3;
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
