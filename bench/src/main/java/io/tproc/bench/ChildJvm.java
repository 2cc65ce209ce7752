package io.tproc.bench;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A JVM of its own for a measurement that needs one: another JDK, collector or heap, or a fresh
 * address space.
 */
final class ChildJvm {
  /** The collectors of HotSpot, as in -XX:+UseSerialGC. */
  static final List<String> COLLECTORS = List.of("Serial", "Parallel", "G1", "Z", "Shenandoah");

  private ChildJvm() {}

  /** The JDKs to compare: this one, and the newer one that bench/run has found. */
  static List<Path> jdks() {
    List<Path> homes = new ArrayList<>();
    homes.add(Path.of(System.getProperty("java.home")));
    String newer = System.getProperty("tproc.bench.jdk25", "");
    if (!newer.isEmpty() && !homes.contains(Path.of(newer))) {
      homes.add(Path.of(newer));
    }
    return homes;
  }

  /** "JDK 17", from the file that every JDK has. */
  static String nameOf(Path jdk) throws IOException {
    return "JDK "
        + Files.readAllLines(jdk.resolve("release")).stream()
            .filter(line -> line.startsWith("JAVA_VERSION="))
            .map(line -> line.replaceAll("^JAVA_VERSION=\"|\"$", "").replaceAll("[.].*", ""))
            .findFirst()
            .orElse("?");
  }

  /** Whether this JDK has this collector. */
  static boolean has(Path jdk, String collector) throws IOException, InterruptedException {
    return new ProcessBuilder(java(jdk), "-XX:+Use" + collector + "GC", "-version")
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start()
            .waitFor()
        == 0;
  }

  /** The java command of a JDK. */
  static String java(Path jdk) {
    return jdk.resolve(Path.of("bin", "java")).toString();
  }

  /** What to run on a JDK with a collector. */
  interface OnEach {
    void run(Path jdk, String collector) throws IOException, InterruptedException;
  }

  /**
   * Runs something on this JDK with a collector that takes its memory from one end, and one that
   * takes it in regions; in quick runs only with the latter. With --every-jvm: on each JDK with
   * each collector.
   */
  static void onEach(Settings settings, OnEach what) throws IOException, InterruptedException {
    List<String> some = settings.quick() ? List.of("G1") : List.of("Serial", "G1");
    for (Path jdk : settings.everyJvm() ? jdks() : jdks().subList(0, 1)) {
      for (String collector : settings.everyJvm() ? COLLECTORS : some) {
        if (has(jdk, collector)) {
          what.run(jdk, collector);
        } else {
          Report.line(nameOf(jdk) + " " + collector, "this JDK does not have it");
        }
      }
    }
  }

  /**
   * Runs a main class on each JDK with each collector, with a heap of a fixed size, all of it
   * touched. Its arguments are the settings and a label.
   */
  static void onEach(Settings settings, String heap, Class<?> main)
      throws IOException, InterruptedException {
    onEach(
        settings,
        (jdk, collector) ->
            run(
                jdk,
                List.of(
                    "-XX:+Use" + collector + "GC",
                    "-Xms" + heap,
                    "-Xmx" + heap,
                    "-XX:+AlwaysPreTouch"),
                main,
                settings.asArgument(),
                nameOf(jdk) + " " + collector));
  }

  /** Runs a main class with options of the JVM, which has to end well; its output becomes ours. */
  static void run(Path jdk, List<String> options, Class<?> main, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = command(jdk, options, main, arguments);
    int status = new ProcessBuilder(command).inheritIO().start().waitFor();
    if (status != 0) {
      throw new IllegalStateException(String.join(" ", command) + " ended with status " + status);
    }
  }

  /** The same, of one that prints figures, a line of them. */
  static double[] figures(Path jdk, List<String> options, Class<?> main, String... arguments)
      throws IOException, InterruptedException {
    String[] command = command(jdk, options, main, arguments).toArray(new String[0]);
    return Arrays.stream(Programs.natively(command).strip().split(" "))
        .mapToDouble(Double::parseDouble)
        .toArray();
  }

  private static List<String> command(
      Path jdk, List<String> options, Class<?> main, String... arguments) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(java(jdk));
    command.add("-XX:-UsePerfData");
    if (!nameOf(jdk).equals("JDK 17")) {
      command.add("--enable-native-access=ALL-UNNAMED");
    }
    command.addAll(options);
    for (String property : List.of(Results.FILE, Results.BENCHMARK)) {
      command.add("-D" + property + "=" + System.getProperty(property, ""));
    }
    command.add("-Dtproc.bench.programs=" + new File(Programs.path("sleeper")).getParent());
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
    command.addAll(List.of(arguments));
    return command;
  }
}
