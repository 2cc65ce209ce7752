package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A debugger that is told where a threadproc's files are sees what it would see natively. */
class GdbIT {
  @RegisterExtension static final ListeningHost HOST = ListeningHost.forAllTests();

  private static Outcome gdb(long pid, String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of(Programs.cli(), "gdb"));
    command.addAll(Arrays.asList(arguments));
    command.addAll(List.of(HOST.socket().toString(), Long.toString(pid)));
    return Outcome.of(new ProcessBuilder(command).start(), "");
  }

  private static void mayAttach(Outcome outcome) {
    assumeFalse(
        outcome.error().contains("Operation not permitted"),
        "skipped: gdb may not attach to a process here");
  }

  @Test
  void backtracesHaveFunctionsArgumentsAndVariablesOfTheProgram() throws Exception {
    Programs.installed("gdb");
    Process launcher = HOST.start(Programs.probe("debuggee"));
    try {
      assertThat(launcher.inputReader().readLine()).isEqualTo("ready");
      Outcome outcome =
          gdb(
              HOST.only().pid(),
              "--batch",
              "--ex",
              "bt",
              "--ex",
              "frame function inner",
              "--ex",
              "print *node",
              "--ex",
              "info threads");
      mayAttach(outcome);

      assertThat(outcome.output())
          .as(outcome.toString())
          .contains("in inner (node=")
          .contains("in outer (depth=42)")
          .contains("in main (")
          .contains("{value = 1234, next = 0x0}");
    } finally {
      launcher.getOutputStream().close();
    }
    assertThat(launcher.waitFor()).as("it goes on when gdb has let go").isZero();
  }

  @Test
  void aBreakpointOfTheProgramIsHitAndNobodyElseStops() throws Exception {
    Programs.installed("gdb");
    Process neighbour = HOST.start(Programs.probe("debuggee"));
    assertThat(neighbour.inputReader().readLine()).isEqualTo("ready");
    long neighbourPid = HOST.only().pid();
    Process launcher = HOST.start(Programs.probe("debuggee"), "loop");
    try {
      assertThat(launcher.inputReader().readLine()).isEqualTo("ready");
      long pid = HOST.onlyBeside(neighbourPid).pid();
      Outcome outcome =
          gdb(pid, "--batch", "--ex", "tbreak step", "--ex", "continue", "--ex", "print round > 0");
      mayAttach(outcome);

      assertThat(outcome.output()).as(outcome.toString()).contains("step (round=").contains("= 1");
      assertThat(neighbour.isAlive()).isTrue();
    } finally {
      launcher.destroy();
      neighbour.getOutputStream().close();
    }
    assertThat(neighbour.waitFor()).isZero();
    assertThat(launcher.waitFor()).isEqualTo(128 + 15);
  }

  /** The kernel says which call a process waits in: that one is for a signal. */
  private static void awaitHeld(long pid) {
    String call = Programs.ARCHITECTURE.equals("x86_64") ? "128 " : "137 "; // rt_sigtimedwait
    Path file = Path.of("/proc", Long.toString(pid), "syscall");
    Patience.untilNothingToComplainOf(
        Patience.seconds(10),
        () -> {
          String now = read(file);
          return now.startsWith(call) ? "" : "it is in call " + now;
        });
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void aProgramThatIsHeldIsDebuggedFromItsFirstInstruction() throws Exception {
    Programs.installed("gdb");
    Process launcher =
        HOST.script("bash", "exec $R --hold $S $1", Programs.probe("debuggee")).start();
    try {
      long pid = HOST.only().pid();
      awaitHeld(pid);
      Outcome outcome =
          gdb(
              pid,
              "--start",
              "--batch",
              "--ex",
              "tbreak main",
              "--ex",
              "continue",
              "--ex",
              "print argc",
              "--ex",
              "tbreak inner",
              "--ex",
              "continue",
              "--ex",
              "print *node");
      mayAttach(outcome);

      assertThat(outcome.output())
          .as(outcome.toString())
          .containsPattern("(?s)Temporary breakpoint 1, .*Temporary breakpoint 2.*main \\(argc=1")
          .contains("$1 = 1")
          .contains("{value = 1234, next = 0x0}");
      assertThat(launcher.inputReader().readLine()).isEqualTo("ready");
    } finally {
      launcher.getOutputStream().close();
    }
    assertThat(launcher.waitFor()).isZero();
  }

  @Test
  void aProgramThatIsHeldGoesOnWithoutADebugger() throws Exception {
    Process launcher =
        HOST.script("bash", "exec $R --hold $S $1", Programs.probe("debuggee")).start();
    long pid = HOST.only().pid();
    awaitHeld(pid);
    assertThat(launcher.inputReader().ready()).isFalse();
    Outcome.natively(Programs.cli(), "kill", "-CONT", HOST.socket().toString(), Long.toString(pid));
    assertThat(launcher.inputReader().readLine()).isEqualTo("ready");
    launcher.getOutputStream().close();
    assertThat(launcher.waitFor()).isZero();
  }

  @Test
  void theScriptNamesTheProgramAndItsLibraries() throws Exception {
    Process launcher = HOST.start(Programs.probe("waiter"));
    try {
      assertThat(launcher.inputReader().readLine()).isEqualTo("ready");
      long pid = HOST.only().pid();
      Outcome outcome = gdb(pid, "--script");

      assertThat(outcome.exitValue).as(outcome.toString()).isZero();
      assertThat(outcome.output().lines())
          .contains("attach " + pid)
          .anyMatch(line -> line.startsWith(addSymbols(Programs.probe("waiter"))))
          .anyMatch(line -> line.matches("add-symbol-file \"/.*/libc[.-].*\" -o 0x[0-9a-f]+"));
    } finally {
      launcher.destroy();
      launcher.waitFor();
    }
  }

  private static String addSymbols(String file) {
    return "add-symbol-file \"" + file + "\" -o 0x";
  }

  @Test
  void saysWhatIsWrong() throws Exception {
    Outcome unknown = gdb(1);
    assertThat(unknown.exitValue).isEqualTo(1);
    assertThat(unknown.error()).startsWith("tproc: ");

    Process launcher = HOST.start(Programs.probe("waiter"));
    try {
      assertThat(launcher.inputReader().readLine()).isEqualTo("ready");
      Path nowhere = Path.of("/nowhere/gdb");
      Outcome missing = gdb(HOST.only().pid(), "--gdb", nowhere.toString());
      assertThat(missing.exitValue).isEqualTo(125);
      assertThat(missing.error()).contains(nowhere.toString());
    } finally {
      launcher.destroy();
      launcher.waitFor();
    }
  }
}
