package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tproc.ThreadProc;
import io.tproc.ThreadProcBuilder;
import io.tproc.TprocHost;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** libtproc-python as a wheel, built and installed without a network. */
@ExtendWith(HostExtension.class)
class PythonWheelIT {
  private static final Path PYTHON = Path.of("/usr/bin/python3");

  @Test
  void builtAndInstalled(TprocHost host, @TempDir Path directory) throws Exception {
    assumeTrue(Files.exists(PythonPackage.PATH), "skipped: the Python package is not here");
    assumeTrue(Files.isExecutable(PYTHON), "skipped: there is no " + PYTHON);
    assumeTrue(
        python(directory, "-c", "import setuptools, wheel, pip").exitValue == 0,
        "skipped: " + PYTHON + " has no pip, setuptools or wheel");

    Path source = copied(directory.resolve("source"));
    pip(directory, "wheel", "--no-build-isolation", "-w", "wheels", source.toString());
    Path wheel = only(directory.resolve("wheels"));
    assertThat(wheel.getFileName().toString()).matches("tproc-0\\.1\\.0.*-py3-none-any\\.whl");
    Path installed = directory.resolve("installed");
    pip(directory, "install", "--target", installed.toString(), wheel.toString());

    ThreadProcBuilder command =
        host.command(
            PYTHON.toString(),
            "-c",
            "import tproc, tproc.calls, tproc.arrow; print(tproc.__file__, tproc.is_threadproc())");
    command.environment().putAll(PythonPackage.ENVIRONMENT);
    command.environment().put("PYTHONPATH", installed.toString());
    try (ThreadProc program = command.directory(directory).start()) {
      String output = new String(program.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(output).isEqualTo(installed.resolve("tproc/__init__.py") + " True\n");
    }
  }

  /** setuptools builds beside the sources. */
  private static Path copied(Path to) throws IOException {
    Files.createDirectories(to.resolve("tproc"));
    for (String file : List.of("pyproject.toml", "README.md")) {
      Files.copy(PythonPackage.PATH.resolve(file), to.resolve(file));
    }
    try (Stream<Path> sources = Files.list(PythonPackage.PATH.resolve("tproc"))) {
      for (Path source : sources.filter(file -> file.toString().endsWith(".py")).toList()) {
        Files.copy(source, to.resolve("tproc").resolve(source.getFileName()));
      }
    }
    return to;
  }

  private static Path only(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      List<Path> all = files.toList();
      assertThat(all).hasSize(1);
      return all.get(0);
    }
  }

  private static void pip(Path directory, String command, String... arguments) throws Exception {
    List<String> all = new ArrayList<>(List.of("-m", "pip", command, "--no-deps", "--no-index"));
    all.addAll(List.of("--no-cache-dir", "--disable-pip-version-check"));
    all.addAll(List.of(arguments));
    Outcome outcome = python(directory, all.toArray(String[]::new));
    assertThat(outcome.exitValue).as(outcome.toString()).isZero();
  }

  private static Outcome python(Path directory, String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of(PYTHON.toString()));
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command).directory(directory.toFile());
    builder.environment().put("HOME", directory.toString());
    return Outcome.of(builder.start(), "");
  }
}
