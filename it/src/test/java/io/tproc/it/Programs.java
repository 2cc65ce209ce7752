package io.tproc.it;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;

/**
 * Where the programs that the tests host are.
 *
 * <p>System properties, each with a default relative to this module: {@code tproc.it.programs} (the
 * probes of src/test/programs), {@code tproc.it.samples} (the native samples), {@code tproc.it.cli}
 * (the installed command line tool).
 */
final class Programs {
  /** The architecture's name as Linux and our directories have it. */
  static final String ARCHITECTURE =
      System.getProperty("os.arch").equals("amd64") ? "x86_64" : System.getProperty("os.arch");

  private Programs() {}

  /** A probe program of this module. */
  static String probe(String name) {
    return built("tproc.it.programs", "target/" + ARCHITECTURE + "/programs", name);
  }

  /** A library of this module, to be contained. */
  static String library(String name) {
    return probe("lib" + name + ".so");
  }

  /** A program of the samples module. */
  static String sample(String name) {
    return built("tproc.it.samples", "../samples/target/" + ARCHITECTURE + "/bin", name);
  }

  /** The directory of the native samples. */
  static Path samples() {
    return Path.of(sample("crash")).getParent();
  }

  /** The command line tool. */
  static String cli() {
    String path = System.getProperty("tproc.it.cli", "../tproc-cli/target/tproc/bin/tproc");
    return existing(Path.of(path));
  }

  private static String built(String property, String otherwise, String name) {
    return existing(Path.of(System.getProperty(property, otherwise), name));
  }

  /** What is built by our own build is never missing with a reason: that is a failure. */
  private static String existing(Path path) {
    if (!Files.isExecutable(path)) {
      throw new IllegalStateException("not built: " + path.toAbsolutePath());
    }
    return path.toAbsolutePath().normalize().toString();
  }

  /** A program that can be hosted without doing anything, the machine's own where possible. */
  static String nothing() {
    Path usual = Path.of("/bin/true");
    return isHostable(usual) ? usual.toString() : probe("nothing");
  }

  /** The first program of that name on the PATH. */
  static Optional<Path> find(String name) {
    return Arrays.stream(
            System.getenv().getOrDefault("PATH", "/bin:/usr/bin").split(File.pathSeparator))
        .map(directory -> Path.of(directory, name))
        .filter(path -> Files.isRegularFile(path) && Files.isExecutable(path))
        .findFirst();
  }

  /**
   * A program that must be on this machine for the test to make sense; skips the test when it is
   * not.
   */
  static String installed(String name) {
    Optional<Path> path = find(name);
    assumeTrue(path.isPresent(), () -> "skipped: " + name + " is not installed");
    return path.orElseThrow().toString();
  }

  /** As {@link #installed}, and position-independent; skips the test when it is not. */
  static String hostable(String name) {
    String path = installed(name);
    assumeTrue(
        isHostable(Path.of(path)),
        () -> "skipped: " + path + " is not a position-independent ELF program");
    return path;
  }

  /** Whether a file is an ELF program of type ET_DYN. */
  static boolean isHostable(Path path) {
    try {
      return Files.isExecutable(path) && Elf.isPositionIndependent(path);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The name of this process's user is root. */
  static boolean isRoot() {
    return Objects.equals(System.getProperty("user.name"), "root");
  }
}
