package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The Rust crate and programs that use it, built by rustc alone. */
final class RustPrograms {
  private static final Path CRATE = Path.of("../libtproc-rust").toAbsolutePath().normalize();
  private static final Path LIBRARIES =
      Path.of(Programs.cli()).getParent().resolveSibling("lib").toAbsolutePath();

  private final String rustc;
  private final Path built;

  private RustPrograms(String rustc, Path built) {
    this.rustc = rustc;
    this.built = built;
  }

  /** Why there is no Rust, or empty. */
  static Optional<String> whyNot() {
    if (!Files.exists(CRATE)) {
      return Optional.of("the Rust crate is not here");
    }
    return Programs.find("rustc").isPresent()
        ? Optional.empty()
        : Optional.of("rustc is not installed");
  }

  /** Builds the crate, where {@link #whyNot} is empty. */
  static RustPrograms in(Path directory) throws Exception {
    RustPrograms made =
        new RustPrograms(Programs.find("rustc").orElseThrow().toString(), directory);
    made.rustc(CRATE.resolve("src/lib.rs"), "--crate-type", "rlib", "--crate-name", "tproc");
    return made;
  }

  /** Builds a program of the crate's. */
  void ofCrate(String source) throws Exception {
    program(CRATE.resolve(source));
  }

  /** Builds a program. */
  void program(Path source) throws Exception {
    rustc(
        source,
        "-L",
        built.toString(),
        "--extern",
        "tproc=" + built.resolve("libtproc.rlib"),
        "-L",
        "native=" + LIBRARIES,
        "-l",
        "dylib=tproc",
        "-C",
        "link-arg=-Wl,-rpath," + LIBRARIES);
  }

  private void rustc(Path source, String... options) throws Exception {
    List<String> command = new ArrayList<>(List.of(rustc, "--edition", "2021", "-D", "warnings"));
    command.addAll(List.of("--out-dir", built.toString(), source.toString()));
    command.addAll(List.of(options));
    Outcome outcome = Outcome.natively(command);
    assertThat(outcome.exitValue).as(outcome.toString()).isZero();
  }

  /** A program that has been built. */
  String binary(String name) {
    return built.resolve(name).toString();
  }
}
