package io.tproc.bench;

import io.tproc.bench.methods.Methods;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/** Methods of the library, measured by JMH in a JVM of their own. */
final class MethodsBenchmark implements Benchmark {
  private static final String PEER = "OfJava";

  @Override
  public String name() {
    return "methods";
  }

  @Override
  public String about() {
    return "single methods, by JMH: heap, mutex, channel, registry, and what Java has of the kind";
  }

  @Override
  public void run(Settings settings) throws IOException {
    Map<String, Sample> samples = measure(settings);
    samples.forEach(
        (name, sample) -> {
          Sample peer = samples.get(name + PEER);
          if (peer != null) {
            Report.ratio(name, "ns", sample, "Java's own", peer, "");
          } else if (!name.endsWith(PEER)) {
            Report.line(name, String.format(Locale.ROOT, "%.2f ns", sample.median()));
          }
        });
  }

  private static Map<String, Sample> measure(Settings settings) throws IOException {
    TimeValue time = TimeValue.milliseconds(settings.count(500, 20));
    OptionsBuilder options = new OptionsBuilder();
    options
        .include(Methods.class.getName())
        .verbosity(VerboseMode.SILENT)
        .shouldFailOnError(true)
        .forks(settings.count(2, 1))
        .warmupIterations(settings.count(4, 1))
        .warmupTime(time)
        .measurementIterations(settings.count(5, 1))
        .measurementTime(time);
    Map<String, Sample> samples = new TreeMap<>();
    try {
      for (RunResult result : new Runner(options.build()).run()) {
        String name = result.getParams().getBenchmark();
        samples.put(name.substring(name.lastIndexOf('.') + 1), sampleOf(result));
      }
    } catch (RunnerException failed) {
      throw new IOException(failed);
    }
    return samples;
  }

  private static Sample sampleOf(RunResult result) {
    List<Double> scores = new ArrayList<>();
    result
        .getBenchmarkResults()
        .forEach(
            fork -> {
              for (IterationResult iteration : fork.getIterationResults()) {
                scores.add(iteration.getPrimaryResult().getScore());
              }
            });
    return new Sample(scores.stream().mapToDouble(Double::doubleValue).toArray());
  }
}
