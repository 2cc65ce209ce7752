package io.tproc.it;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Starts a second JVM, for what cannot be shown from inside this one: the death of a host, its
 * standard streams, refusals.
 */
final class ChildJvm {
  private final List<String> prefix = new ArrayList<>();
  private final List<String> options = new ArrayList<>();
  private String classPath = System.getProperty("java.class.path");

  /** A small JVM that starts quickly, with this one's class path and our system properties. */
  ChildJvm() {
    options.addAll(
        List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-Xmx128m"));
    options.add("-XX:-CreateCoredumpOnCrash");
    options.add("-XX:ErrorFile=/dev/null");
    options.add("--add-opens=java.base/java.nio=ALL-UNNAMED"); // for Arrow
    options.add("--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED"); // for Agrona
    if (Runtime.version().feature() >= 22) {
      options.add("--enable-native-access=ALL-UNNAMED");
    }
    System.getProperties()
        .forEach(
            (name, value) -> {
              if (name.toString().startsWith("tproc.") || name.equals("java.library.path")) {
                options.add("-D" + name + "=" + value);
              }
            });
    // Absolute: the second JVM may have another working directory.
    options.add("-Dtproc.it.programs=" + Path.of(Programs.probe("nothing")).getParent());
    options.add("-Dtproc.it.samples=" + Programs.samples());
    options.add("-Dtproc.samples=" + Programs.samples());
  }

  /** Runs the JVM through another program, such as one that sets limits. */
  ChildJvm through(String... command) {
    prefix.addAll(List.of(command));
    return this;
  }

  /** Uses another garbage collector, such as G1. */
  ChildJvm collector(String name) {
    options.remove("-XX:+UseSerialGC");
    options.add("-XX:+Use" + name + "GC");
    return this;
  }

  /** Adds options of the JVM. */
  ChildJvm with(String... more) {
    options.addAll(List.of(more));
    return this;
  }

  /** Replaces the class path. */
  ChildJvm classPath(String path) {
    classPath = path;
    return this;
  }

  /** The builder for a JVM that runs a main class. */
  ProcessBuilder main(Class<?> main, String... arguments) {
    return main(main.getName(), arguments);
  }

  /** The builder for a JVM that runs a main class. */
  ProcessBuilder main(String main, String... arguments) {
    List<String> command = new ArrayList<>(prefix);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(options);
    command.addAll(List.of("-cp", classPath, main));
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command);
  }
}
