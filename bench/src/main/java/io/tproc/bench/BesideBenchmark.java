package io.tproc.bench;

import io.tproc.TprocHost;
import java.io.IOException;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** What the JVM itself gets done, and how long it pauses, beside programs that are at work. */
final class BesideBenchmark implements Benchmark {
  private static final List<String> COLLECTORS = List.of("G1", "Z");
  private static final int[] COUNTS = {1, 100};
  private static final int MOST_IN_QUICK = 4;

  /** Of all programs together: the work of one is about 0.1 ms. */
  private static final int WORK_A_SECOND = 1_000;

  @Override
  public String name() {
    return "beside";
  }

  @Override
  public String about() {
    return "a Java load that allocates, beside 1 and 100 programs at work, against as many processes, and none";
  }

  @Override
  public void run(Settings settings) throws IOException, InterruptedException {
    List<Path> jdks = ChildJvm.jdks();
    for (String collector : settings.quick() ? COLLECTORS.subList(0, 1) : COLLECTORS) {
      Path jdk = jdks.get(settings.quick() ? 0 : jdks.size() - 1);
      ChildJvm.run(
          jdk,
          List.of("-XX:+Use" + collector + "GC", "-Xms1g", "-Xmx1g", "-XX:+AlwaysPreTouch"),
          BesideBenchmark.class,
          settings.asArgument(),
          ChildJvm.nameOf(jdk) + " " + collector);
    }
  }

  private record Subject(String name, Opening opening, double[][] figures) {}

  private interface Opening {
    AutoCloseable open() throws IOException, InterruptedException;
  }

  /** In the JVM with the load: settings and label. */
  public static void main(String... arguments) throws Exception {
    Settings settings = Settings.of(arguments[0]);
    try (TprocHost host = TprocHost.open();
        Ticker ticker = new Ticker();
        JavaLoad load = new JavaLoad()) {
      load.during(settings.count(5_000, 100)); // compiled from now on
      for (int wanted : COUNTS) {
        int count = settings.quick() ? Math.min(wanted, MOST_IN_QUICK) : wanted;
        measure(settings, arguments[1] + ", " + count, host, load, ticker, count);
      }
    }
  }

  private static void measure(
      Settings settings, String what, TprocHost host, JavaLoad load, Ticker ticker, int count)
      throws Exception {
    int rounds = settings.count(7, 1);
    String[] work = {"work", Integer.toString(1_000_000 / WORK_A_SECOND * count)};
    List<Subject> subjects =
        List.of(
            new Subject(
                "threadprocs", () -> begun(new Crowd(host, count, work)), new double[3][rounds]),
            new Subject(
                "processes", () -> begun(new Crowd(null, count, work)), new double[3][rounds]),
            new Subject("none", () -> () -> {}, new double[3][rounds]));
    for (int round = 0; round < rounds; round++) {
      for (int i = 0; i < subjects.size(); i++) {
        Subject subject = subjects.get(round % 2 == 0 ? i : subjects.size() - 1 - i);
        try (AutoCloseable beside = subject.opening.open()) {
          load.during(settings.count(200, 10)); // what starting them has brought about is over
          ticker.worstPause();
          long before = collecting();
          long operations = load.during(settings.count(2_000, 50));
          subject.figures[0][round] = 1e6 * settings.count(2_000, 50) / Math.max(1, operations);
          subject.figures[1][round] = collecting() - before;
          subject.figures[2][round] = ticker.worstPause();
        }
      }
    }
    Sample[][] samples = subjects.stream().map(BesideBenchmark::samples).toArray(Sample[][]::new);
    String[] units = {"ns", "ms", "ms"}, names = {"an operation", "collecting", "worst pause"};
    for (int i = 0; i < units.length; i++) {
      for (int peer = 1; peer < subjects.size(); peer++) {
        Sample figure = samples[0][i], other = samples[peer][i];
        if (Arrays.stream(other.values())
            .anyMatch(value -> value == 0)) { // pauses of ZGC are counted in whole milliseconds
          Report.line(what + ", " + names[i], "none of a whole millisecond");
        } else {
          String aim = peer == 1 && i == 0 ? "aim <= 1.05" : "";
          Report.ratio(
              what + ", " + names[i], units[i], figure, subjects.get(peer).name, other, aim);
        }
      }
    }
  }

  private static Sample[] samples(Subject subject) {
    return List.of(subject.figures).stream().map(Sample::new).toArray(Sample[]::new);
  }

  private static Crowd begun(Crowd crowd) throws IOException {
    crowd.begin();
    return crowd;
  }

  /** Milliseconds that the collectors say they have taken, of what stops all threads. */
  private static long collecting() {
    return ManagementFactory.getGarbageCollectorMXBeans().stream()
        .filter(
            bean -> !bean.getName().endsWith("Cycles") && !bean.getName().contains("Concurrent"))
        .mapToLong(GarbageCollectorMXBean::getCollectionTime)
        .sum();
  }
}
