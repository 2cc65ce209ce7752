package io.tproc.bench;

import io.tproc.TprocHost;
import io.tproc.library.CType;
import io.tproc.library.ContainedFunction;
import io.tproc.library.ContainedLibrary;
import io.tproc.library.LibraryCrashedException;
import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Calls of functions of contained libraries. */
final class ContainedBenchmark implements Benchmark {
  private static final int ROUNDS = 11;

  /** Short ones, so that some are not disturbed on a busy machine. */
  private static final int CALLS_IN_BATCH = 200;

  private static final int BATCHES = 2_000;

  @Override
  public String name() {
    return "contained";
  }

  @Override
  public String about() {
    return "calls of a contained library, against JNI, FFM (Java 22 and later), a pipe and a Unix socket";
  }

  @Override
  public void run(Settings settings) throws IOException, InterruptedException {
    try (TprocHost host = TprocHost.open()) {
      emptyCalls(host, settings);
      new CodecRounds(host, settings).run();
      crashes(host, settings);
    }
  }

  private record Subject(String name, Rounds.Subject batch) {}

  private static double perCall(int calls, Runnable call) {
    long start = System.nanoTime();
    for (int i = 0; i < calls; i++) {
      call.run();
    }
    return (double) (System.nanoTime() - start) / calls;
  }

  /** Measures what is hot: before each batch there are as many calls that do not count. */
  private static Subject subject(String name, Runnable call) {
    return new Subject(
        name,
        () -> {
          perCall(CALLS_IN_BATCH, call);
          return perCall(CALLS_IN_BATCH, call);
        });
  }

  private static void emptyCalls(TprocHost host, Settings settings)
      throws IOException, InterruptedException {
    try (EchoPeer pipe = EchoPeer.overPipes();
        EchoPeer socket = EchoPeer.overSocket();
        ContainedLibrary spinning = host.library("libc.so.6");
        ContainedLibrary sleeping = host.libraryBuilder("libc.so.6").spin(Duration.ZERO).open()) {
      ContainedFunction labs = spinning.function("labs", CType.LONG, CType.LONG);
      ContainedFunction labsAsleep = sleeping.function("labs", CType.LONG, CType.LONG);
      List<Subject> subjects = new ArrayList<>();
      subjects.add(subject("a pipe", pipe::roundTrip));
      subjects.add(subject("a Unix socket", socket::roundTrip));
      subjects.add(subject("contained", () -> labs.callLong(-1L)));
      subjects.add(subject("contained, asleep at once", () -> labsAsleep.callLong(-1L)));
      subjects.add(subject("JNI", () -> JniPeer.labs(-1)));
      Optional<MethodHandle> foreign = ForeignPeer.function("libc.so.6", "labs", 1);
      foreign.ifPresent(
          function -> subjects.add(subject("FFM", () -> ForeignPeer.call(function, -1L))));
      report(subjects, settings.count(BATCHES, 20));
    }
  }

  /** In each round a batch of each: what disturbs one meets the others, too. */
  private static void report(List<Subject> subjects, int rounds)
      throws IOException, InterruptedException {
    Sample[] samples =
        Rounds.measure(
            rounds, subjects.stream().map(Subject::batch).toArray(Rounds.Subject[]::new));
    for (int i = 1; i < samples.length; i++) {
      String what = "empty call, " + subjects.get(i).name();
      String aim =
          switch (subjects.get(i).name()) {
            case "contained" -> "must be <= 0.10";
            case "contained, asleep at once" -> "must be <= 1";
            default -> "";
          };
      Report.ratio(what, "ns", samples[i], "pipe", samples[0], aim);
    }
    Report.line("fastest batches, ns", fastest(subjects, samples));
  }

  private static String fastest(List<Subject> subjects, Sample... samples) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < samples.length; i++) {
      double least = Arrays.stream(samples[i].values()).min().orElseThrow();
      String one = String.format(Locale.ROOT, "%s %.0f", subjects.get(i).name(), least);
      text.append(i == 0 ? "" : "; ").append(one);
    }
    return text.toString();
  }

  /** From the wrong access to the exception, the process's end included. */
  private static void crashes(TprocHost host, Settings settings) throws IOException {
    double[] figures = new double[settings.count(ROUNDS, 1)];
    try (ContainedLibrary library = host.library("libc.so.6")) {
      for (int i = 0; i < figures.length; i++) {
        ContainedFunction length = library.function("strlen", CType.LONG, CType.POINTER);
        long start = System.nanoTime();
        try {
          length.call(16L);
        } catch (LibraryCrashedException expected) {
          figures[i] = System.nanoTime() - start;
        }
        library.restart();
      }
    }
    Report.line(
        "crash to exception",
        String.format(Locale.ROOT, "%.2f ms (must be <= 10)", new Sample(figures).median() / 1e6));
  }
}
