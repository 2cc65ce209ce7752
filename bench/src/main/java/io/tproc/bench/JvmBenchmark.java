package io.tproc.bench;

import io.tproc.TprocHost;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** A whole second JVM as a threadproc, against the same JVM as a process. */
final class JvmBenchmark implements Benchmark {
  @Override
  public String name() {
    return "jvm";
  }

  @Override
  public String about() {
    return "a whole JVM that runs a small Java program as a threadproc, against the same as a process";
  }

  @Override
  public void run(Settings settings) throws IOException, InterruptedException {
    try (TprocHost host = TprocHost.open()) {
      for (Path jdk : settings.quick() ? ChildJvm.jdks().subList(0, 1) : ChildJvm.jdks()) {
        for (String collector : settings.quick() ? List.of("Serial") : List.of("Serial", "G1")) {
          String[] command = {
            ChildJvm.java(jdk),
            "-XX:+Use" + collector + "GC",
            "-Xmx256m",
            "-XX:-UsePerfData",
            "-cp",
            System.getProperty("java.class.path"),
            GuestProgram.class.getName()
          };
          String expected = Programs.natively(command);
          Sample[] samples =
              Rounds.measure(
                  settings.count(9, 1),
                  () -> time(expected, () -> Programs.hosted(host, command)),
                  () -> time(expected, () -> Programs.natively(command)));
          Report.ratio(
              ChildJvm.nameOf(jdk) + " " + collector, "ms", samples[0], "process", samples[1], "");
        }
      }
    }
  }

  private interface Run {
    String output() throws IOException, InterruptedException;
  }

  private static double time(String expected, Run run) throws IOException, InterruptedException {
    long start = System.nanoTime();
    String output = run.output();
    double milliseconds = (System.nanoTime() - start) / 1e6;
    if (!output.equals(expected)) {
      throw new IllegalStateException(
          "the hosted JVM wrote: " + output + ", natively: " + expected);
    }
    return milliseconds;
  }
}
