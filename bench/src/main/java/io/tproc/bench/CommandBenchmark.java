package io.tproc.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** A whole {@code tproc} command, against a Java program that does nothing. */
final class CommandBenchmark implements Benchmark {
  @Override
  public String name() {
    return "command";
  }

  @Override
  public String about() {
    return "tproc --version and tproc ps, with and without an archive of their classes, against an"
        + " empty Java program";
  }

  @Override
  public void run(Settings settings) throws IOException, InterruptedException {
    Path directory = Files.createTempDirectory("tproc-bench");
    try {
      Path empty =
          Files.writeString(
              directory.resolve("Empty.java"),
              "public class Empty { public static void main(String[] arguments) {} }");
      spawn(1, List.of(java("javac"), "-d", directory.toString(), empty.toString()));
      String cache = "XDG_CACHE_HOME=" + directory.resolve("cache");
      // The first one makes the archive.
      spawn(1, List.of("/usr/bin/env", cache, tproc(), "--version"));
      measure(settings, directory, cache, "--version", "--version");
      measure(settings, directory, cache, "ps (no host)", "ps", "/nonexistent");
    } finally {
      delete(directory);
    }
  }

  private static void measure(
      Settings settings, Path directory, String cache, String what, String... words)
      throws IOException, InterruptedException {
    List<String> archived = new ArrayList<>(List.of("/usr/bin/env", cache, tproc()));
    archived.addAll(List.of(words));
    List<String> without = new ArrayList<>(archived);
    without.set(1, "XDG_CACHE_HOME=/dev/null");
    List<String> empty = List.of(java("java"), "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1");
    List<String> peer = new ArrayList<>(empty);
    peer.addAll(List.of("-XX:-UsePerfData", "-cp", directory.toString(), "Empty"));
    int launches = settings.count(5, 1);
    Sample[] samples =
        Rounds.measure(
            settings.count(9, 1),
            () -> spawn(launches, archived),
            () -> spawn(launches, without),
            () -> spawn(launches, peer));
    Report.ratio("tproc " + what, "ms", samples[0], "empty program", samples[2], "");
    Report.ratio(
        "tproc " + what + ", no archive", "ms", samples[1], "empty program", samples[2], "");
  }

  /** Milliseconds from the start to the end; whatever the status is. */
  private static double spawn(int times, List<String> command)
      throws IOException, InterruptedException {
    long start = System.nanoTime();
    for (int i = 0; i < times; i++) {
      new ProcessBuilder(command)
          .redirectOutput(ProcessBuilder.Redirect.DISCARD)
          .redirectError(ProcessBuilder.Redirect.DISCARD)
          .start()
          .waitFor();
    }
    return (System.nanoTime() - start) / 1e6 / times;
  }

  private static String java(String program) {
    return Path.of(System.getProperty("java.home"), "bin", program).toString();
  }

  private static String tproc() {
    Path launcher = Path.of(System.getProperty("tproc.bench.launcher", "tproc-run"));
    Path tproc = launcher.resolveSibling("tproc");
    if (!Files.isExecutable(tproc)) {
      throw new IllegalStateException("there is no command " + tproc + ": run bench/run");
    }
    return tproc.toString();
  }

  private static void delete(Path directory) throws IOException {
    List<Path> all;
    try (Stream<Path> files = Files.walk(directory)) {
      all = files.sorted(java.util.Comparator.reverseOrder()).toList();
    }
    for (Path file : all) {
      Files.delete(file);
    }
  }
}
