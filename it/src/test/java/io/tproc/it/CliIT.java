package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The command line tool, started as a user starts it. */
class CliIT {
  private static Outcome tproc(String input, String... arguments) throws Exception {
    return Outcome.of(new ProcessBuilder(command(arguments)).start(), input);
  }

  private static List<String> command(String... arguments) {
    List<String> command = new ArrayList<>(List.of(Programs.cli()));
    command.addAll(List.of(arguments));
    return command;
  }

  @Test
  void runsAProgramWithTheTerminalsStreams() throws Exception {
    Outcome outcome = tproc("through the tool", "run", Programs.probe("copy"));
    assertThat(outcome).returns("through the tool", Outcome::output);
    assertThat(outcome.exitValue).isZero();

    assertThat(tproc("on the error output", "run", Programs.probe("copy"), "2").error())
        .isEqualTo("on the error output");
  }

  @Test
  void givesTheProgramItsArgumentsUntouched() throws Exception {
    String probe = Programs.probe("arguments");
    assertThat(tproc("", "run", probe, "--version", "-h", "--", "a b", "").strings())
        .containsExactly(probe, "--version", "-h", "--", "a b", "");
  }

  @Test
  void hostsIt() throws Exception {
    assertThat(tproc("", "run", Programs.sample("detect")).output())
        .startsWith("threadproc: yes\n");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3, 255})
  void exitsWithTheProgramsCode(int code) throws Exception {
    assertThat(tproc("", "run", Programs.sample("crash"), "exit", Integer.toString(code)).exitValue)
        .isEqualTo(code);
  }

  @ParameterizedTest
  @CsvSource({"segv,139", "abort,134", "kill,137"})
  void exitsAsAShellWouldWhenASignalKilledTheProgram(String mode, int status) throws Exception {
    assertThat(tproc("", "run", Programs.sample("crash"), mode).exitValue).isEqualTo(status);
  }

  @Test
  void saysWhyAProgramCannotRun(@TempDir Path directory) throws Exception {
    Outcome missing = tproc("", "run", directory.resolve("missing").toString());
    assertThat(missing.exitValue).isEqualTo(127);
    assertThat(missing.error()).contains("missing").contains("ENOENT").doesNotContain("\tat ");
    assertThat(missing.output()).isEmpty();

    Path text = Files.writeString(directory.resolve("text"), "no program");
    Outcome refused = tproc("", "run", text.toString());
    assertThat(refused.exitValue).isEqualTo(126);
    assertThat(refused.error()).contains(text.toString()).contains("EACCES");
  }

  @Test
  void tellsItsVersion() throws Exception {
    Outcome outcome = tproc("", "--version");
    assertThat(outcome.exitValue).isZero();
    assertThat(outcome.output()).contains("tproc").contains("0.1.0");
  }

  @Test
  void helps() throws Exception {
    assertThat(tproc("", "--help").output()).contains("run").contains("check");
    Outcome wrong = tproc("", "no-such-command");
    assertThat(wrong.exitValue).isNotZero();
    assertThat(wrong.error()).contains("no-such-command");
  }

  @Test
  void checksTheMachineAndEndsWithOneVerdict() throws Exception {
    Outcome outcome = tproc("", "check");

    assertThat(outcome.exitValue).as(outcome.toString()).isZero();
    assertThat(outcome.output())
        .contains("kernel")
        .contains("clone3")
        .contains("seccomp")
        .contains("pidfd")
        .contains("max-map-count")
        .contains("page-size");
    assertThat(outcome.output().strip().lines().reduce((first, last) -> last).orElseThrow())
        .containsIgnoringCase("host");
  }

  @Test
  void outputThatIsLostOnAFullDiskIsAFailure() throws Exception {
    List<String> command =
        new ArrayList<>(List.of("/bin/sh", "-c", "exec \"$@\" > /dev/full", "sh"));
    command.addAll(command("check"));
    Outcome outcome = Outcome.natively(command.toArray(new String[0]));
    assertThat(outcome.error())
        .isEqualTo("tproc: cannot write the output: No space left on device\n");
    assertThat(outcome.exitValue).isEqualTo(125);
  }

  @Test
  void outputThatNobodyReadsAnyMoreIsNoFailure() throws Exception {
    List<String> command =
        new ArrayList<>(List.of("/bin/sh", "-c", "{ \"$@\"; echo status $? >&2; } | true", "sh"));
    command.addAll(command("completion", "bash"));
    assertThat(Outcome.natively(command.toArray(new String[0])).error()).isEqualTo("status 0\n");
  }

  /** What the terminal does on ^C: SIGINT to every process of the foreground group. */
  @ParameterizedTest
  @CsvSource({"INT,2", "TERM,15"})
  void endsWithItsProgramOnASignal(String name, int number) throws Exception {
    assumeTrue(Programs.find("setsid").isPresent(), "skipped: setsid is not installed");
    List<String> command = new ArrayList<>(List.of(Programs.installed("setsid")));
    command.addAll(command("run", Programs.probe("waiter")));
    Process tool = new ProcessBuilder(command).start();
    try (BufferedReader output = tool.inputReader()) {
      assertThat(output.readLine()).isEqualTo("ready");
      List<ProcessHandle> descendants = tool.descendants().toList();

      Outcome.natively(Programs.installed("kill"), "-" + name, "--", "-" + tool.pid());

      assertThat(tool.waitFor()).isEqualTo(128 + number);
      Patience.untilNothingToComplainOf(
          Patience.seconds(5),
          () ->
              descendants.stream().anyMatch(child -> Processes.isRunning(child.pid()))
                  ? "it left " + descendants
                  : "");
    } finally {
      tool.destroyForcibly();
    }
  }

  @Test
  void runsAsAJar() throws Exception {
    Path jar = Path.of(Programs.cli()).getParent().resolveSibling("lib/tproc.jar");
    Outcome outcome =
        Outcome.natively(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-jar",
            jar.toString(),
            "run",
            Programs.sample("crash"),
            "exit",
            "7");
    assertThat(outcome.exitValue).as(outcome.toString()).isEqualTo(7);
    assertThat(outcome.error()).isEmpty();
  }

  @Test
  void isFoundThroughALink(@TempDir Path directory) throws Exception {
    Path link = Files.createSymbolicLink(directory.resolve("t"), Path.of(Programs.cli()));
    assertThat(
            Outcome.natively(link.toString(), "run", Programs.sample("crash"), "exit", "4")
                .exitValue)
        .isEqualTo(4);
  }
}
