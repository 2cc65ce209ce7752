package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tproc.TprocHost;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A whole JVM inside this JVM: a threadproc runs a Java program. */
@ExtendWith(HostExtension.class)
class HostedJvmIT {
  /** The home of a JDK or JRE of a release: this one, or one in a usual place. */
  private static Optional<Path> home(int release) throws IOException {
    List<Path> candidates = new ArrayList<>();
    candidates.add(Path.of(System.getProperty("java.home")));
    Optional.ofNullable(System.getenv("JDK" + release + "_HOME"))
        .map(Path::of)
        .ifPresent(candidates::add);
    for (String usual : new String[] {"/usr/lib/jvm", "/opt/java", "/opt"}) {
      if (Files.isReadable(Path.of(usual))) {
        try (Stream<Path> entries = Files.list(Path.of(usual))) {
          entries.sorted().forEach(candidates::add);
        }
      }
    }
    return candidates.stream().filter(home -> isRelease(home, release)).findFirst();
  }

  private static boolean isRelease(Path home, int release) {
    try {
      return Files.isExecutable(home.resolve("bin/java"))
          && Files.isReadable(home.resolve("release"))
          && Files.readAllLines(home.resolve("release")).stream()
              .anyMatch(line -> line.matches("JAVA_VERSION=\"" + release + "\\b.*"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String[] command(Path home, String... options) {
    List<String> command = new ArrayList<>();
    command.add(home.resolve("bin/java").toString());
    command.addAll(List.of("-Xmx128m", "-XX:-UsePerfData"));
    command.addAll(List.of(options));
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(Guest.class.getName(), "argument"));
    return command.toArray(new String[0]);
  }

  @ParameterizedTest
  @ValueSource(ints = {17, 21, 25})
  void runsAProgram(int release, TprocHost host) throws Exception {
    Optional<Path> home = home(release);
    assumeTrue(home.isPresent(), () -> "skipped: there is no JDK " + release + " here");
    Resources before = Resources.now();

    String[] command = command(home.orElseThrow());
    Outcome hosted = Outcome.hosted(host, command);

    assertThat(hosted).isEqualTo(Outcome.natively(command));
    assertThat(hosted.output())
        .isEqualTo("1000 words, 888890 characters, argument, from a child\n");
    assertThat(hosted.exitValue).isZero();
    before.assertAsBefore();
  }

  @ParameterizedTest
  @ValueSource(strings = {"Serial", "Parallel", "G1", "Z", "Shenandoah"})
  void runsUnderEveryCollector(String collector, TprocHost host) throws Exception {
    String[] command =
        command(Path.of(System.getProperty("java.home")), "-XX:+Use" + collector + "GC");
    Outcome natively = Outcome.natively(command);
    assumeTrue(natively.exitValue == 0, () -> "skipped: this JDK does not have it: " + natively);
    assertThat(Outcome.hosted(host, command)).isEqualTo(natively);
  }

  @Test
  void endsWithItsOwnStatusAndOutOfMemoryIsItsOwn(TprocHost host) throws Exception {
    String[] command =
        command(Path.of(System.getProperty("java.home")), "-XX:+UseSerialGC", "-Dguest.hungry=1");
    Outcome hosted = Outcome.hosted(host, command);
    assertThat(hosted.exitValue).isEqualTo(42);
    assertThat(hosted).isEqualTo(Outcome.natively(command));
  }

  /** What the hosted JVM runs: allocation, threads, a child process, output. */
  static final class Guest {
    private Guest() {}

    public static void main(String[] arguments) throws Exception {
      if (Boolean.parseBoolean(System.getProperty("guest.hungry", "").replace("1", "true"))) {
        eat();
      }
      Map<String, Integer> counts = new HashMap<>();
      for (int i = 0; i < 200_000; i++) {
        counts.merge("word" + i % 1000, 1, Integer::sum);
      }
      long characters =
          IntStream.range(0, 180_000)
              .parallel()
              .mapToObj(Integer::toString)
              .mapToLong(String::length)
              .sum();
      Process child = new ProcessBuilder("sh", "-c", "echo from a child").start();
      String said = new String(child.getInputStream().readAllBytes()).strip();
      System.out.printf(
          "%d words, %d characters, %s, %s%n",
          counts.size(), characters - 80_000, arguments[0], said);
    }

    private static void eat() {
      List<byte[]> kept = new ArrayList<>();
      try {
        while (true) {
          kept.add(new byte[1 << 20]);
        }
      } catch (OutOfMemoryError e) {
        System.exit(kept.size() > 10 ? 42 : 1);
      }
    }
  }
}
