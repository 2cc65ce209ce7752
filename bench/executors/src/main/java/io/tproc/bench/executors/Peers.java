package io.tproc.bench.executors;

import io.tproc.TprocHost;
import io.tproc.bench.Sample;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;

/** The four ways side by side, as tables in Markdown. */
final class Peers {
  private static final int[] ROWS = {1, 100, 10_000};
  private static final int[] WIDTHS = {0, 1024};
  private static final int CRASH_BATCHES = 1_000;

  private final Path programs;
  private final int rounds;
  private final long nanos;

  /**
   * @param programs where the workers' programs are
   * @param length how long it may take
   */
  Peers(Path programs, Length length) {
    this.programs = programs;
    this.rounds = length.rounds();
    this.nanos = TimeUnit.MILLISECONDS.toNanos(length.roundMilliseconds());
  }

  /** What was measured with one kind of batch. */
  private record Row(
      String batch, Sample[] rate, double[] copied, double[] rateWithCrash, int crashed) {}

  String tables() throws IOException, InterruptedException {
    List<Row> rows = new ArrayList<>();
    for (int width : WIDTHS) {
      for (int count : ROWS) {
        rows.add(measure(count, width));
      }
    }
    StringBuilder text = new StringBuilder();
    text.append("Thousands of rows a second, without a crash; medians of ")
        .append(rounds)
        .append(" rounds in turns,\nof ratios with the quartiles of the rounds' ratios:\n\n");
    text.append(
        "| batch | pipes | socket | in process | ours | ours, by call | ours / socket"
            + " | ours / in process |\n");
    text.append("|---|---|---|---|---|---|---|---|\n");
    for (Row row : rows) {
      Sample[] rate = row.rate;
      line(
          text,
          row.batch,
          thousands(rate[0].median()),
          thousands(rate[1].median()),
          thousands(rate[2].median()),
          thousands(rate[3].median()),
          thousands(rate[4].median()),
          ratio(rate[3].over(rate[1])),
          ratio(rate[3].over(rate[2])));
    }
    text.append("\nBytes that `read` and `write` copied, a row:\n\n");
    text.append("| batch | pipes | socket | in process | ours |\n|---|---|---|---|---|\n");
    for (Row row : rows) {
      double[] copied = row.copied;
      line(
          text,
          row.batch,
          decimals(copied[0]),
          decimals(copied[1]),
          decimals(copied[2]),
          decimals(copied[3]));
    }
    text.append("\nThousands of rows a second, with one crash in 1,000 batches:\n\n");
    text.append("| batch | pipes | socket | in process | ours | ours / socket |\n");
    text.append("|---|---|---|---|---|---|\n");
    for (Row row : rows) {
      double[] rate = row.rateWithCrash;
      line(
          text,
          row.batch,
          thousands(rate[0]),
          thousands(rate[1]),
          "JVM lost (status " + row.crashed + ")",
          thousands(rate[2]),
          decimals(rate[2] / rate[1]));
    }
    return text.toString();
  }

  private static void line(StringBuilder text, String... cells) {
    text.append("| ").append(String.join(" | ", cells)).append(" |\n");
  }

  private static String thousands(double rate) {
    return String.format(Locale.ROOT, rate < 100_000 ? "%,.1f" : "%,.0f", rate / 1_000);
  }

  private static String ratio(Sample ratios) {
    return String.format(
        Locale.ROOT, "**%.2f** (%.2f–%.2f)", ratios.median(), ratios.low(), ratios.high());
  }

  private static String decimals(double figure) {
    return String.format(Locale.ROOT, figure < 10 ? "%.2f" : "%,.0f", figure);
  }

  private Row measure(int rows, int width) throws IOException, InterruptedException {
    String what = String.format(Locale.ROOT, "%,d %s", rows, rows == 1 ? "row" : "rows");
    String name = what + (width == 0 ? " of 12 bytes" : " of 1 KiB");
    System.err.println("measuring " + name);
    try (BufferAllocator allocator = new RootAllocator();
        Batches batches = new Batches(allocator, rows, width);
        TprocHost host = TprocHost.open();
        Peer pipes = new Pipes(programs, batches);
        Peer socket = new Socket(programs, allocator, batches);
        Peer inProcess = new InProcess(programs, allocator, batches);
        Peer ours = new Hosted(host, programs, allocator, batches, false);
        Peer called = new Hosted(host, programs, allocator, batches, true)) {
      List<Peer> all = List.of(pipes, socket, inProcess, ours, called);
      double[] copied = new double[all.size()];
      Sample[] rates = rates(all, rows, copied);
      double[] withCrash = new double[3];
      List<Peer> survivors = List.of(pipes, socket, ours);
      for (int i = 0; i < survivors.size(); i++) {
        long start = System.nanoTime();
        survivors.get(i).run(CRASH_BATCHES, CRASH_BATCHES / 2);
        withCrash[i] = CRASH_BATCHES * 1e9 * rows / (System.nanoTime() - start);
      }
      return new Row(name, rates, copied, withCrash, crashInProcess(rows, width));
    }
  }

  /** Rows a second, in rounds that take turns. */
  private Sample[] rates(List<Peer> peers, int rows, double[] copied)
      throws IOException, InterruptedException {
    long[] counts = new long[peers.size()];
    for (int i = 0; i < counts.length; i++) {
      counts[i] = calibrated(peers.get(i));
    }
    double[][] figures = new double[peers.size()][rounds];
    for (int round = 0; round < rounds; round++) {
      for (int i = 0; i < counts.length; i++) {
        Peer peer = peers.get(i);
        long before = copiedBytes(peer);
        long start = System.nanoTime();
        peer.run(counts[i], Peer.NONE);
        figures[i][round] = counts[i] * 1e9 * rows / (System.nanoTime() - start);
        copied[i] = (double) (copiedBytes(peer) - before) / counts[i] / rows;
      }
    }
    return Arrays.stream(figures).map(Sample::new).toArray(Sample[]::new);
  }

  /** How many batches take so long as a round is to; the JVM has compiled the way by then. */
  private long calibrated(Peer peer) throws IOException, InterruptedException {
    for (long count = 1; ; count *= 2) {
      long start = System.nanoTime();
      peer.run(count, Peer.NONE);
      if (System.nanoTime() - start >= nanos) {
        return count;
      }
    }
  }

  /** What read and write have moved in this process and in the workers, as the kernel counts it. */
  private static long copiedBytes(Peer peer) throws IOException {
    long sum = copiedBytes("self");
    for (long pid : peer.pids()) {
      sum += copiedBytes(Long.toString(pid));
    }
    return sum;
  }

  private static long copiedBytes(String process) throws IOException {
    return Files.readAllLines(Path.of("/proc", process, "io")).stream()
        .filter(line -> line.startsWith("rchar:") || line.startsWith("wchar:"))
        .mapToLong(line -> Long.parseLong(line.substring(line.indexOf(' ') + 1)))
        .sum();
  }

  /** In a JVM of its own. Gives its exit status. */
  private int crashInProcess(int rows, int width) throws IOException, InterruptedException {
    List<String> command =
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--add-opens=java.base/java.nio=ALL-UNNAMED",
            "-XX:-CreateCoredumpOnCrash",
            "-XX:+IgnoreUnrecognizedVMOptions",
            "--enable-native-access=ALL-UNNAMED",
            "-XX:ErrorFile=/dev/null",
            "-cp",
            System.getProperty("java.class.path"),
            Main.class.getName(),
            "crash",
            programs.toString(),
            Integer.toString(rows),
            Integer.toString(width));
    return new ProcessBuilder(command)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .redirectError(ProcessBuilder.Redirect.DISCARD)
        .start()
        .waitFor();
  }

  /** What that JVM does. It is not to return. */
  static void crash(Path programs, int rows, int width) {
    BufferAllocator allocator = new RootAllocator();
    Batches batches = new Batches(allocator, rows, width);
    new InProcess(programs, allocator, batches).run(CRASH_BATCHES, CRASH_BATCHES / 2);
  }
}
