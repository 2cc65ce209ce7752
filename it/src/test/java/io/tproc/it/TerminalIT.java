package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Launchers at a terminal: what users see, type, and get back when it is over. */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class TerminalIT {
  private static final String COOKED = "cooked echo";
  private static final String RAW = "raw quiet";
  private static final Map<String, String> PLAIN = Map.of("PS1", "PROMPT> ", "HISTFILE", "");

  @RegisterExtension static final ListeningHost host = ListeningHost.forAllTests();

  @TempDir Path directory;

  private static Terminal launched(String... program) throws Exception {
    return Terminal.running(PLAIN, ListeningHost.command(host.socket(), program));
  }

  private static List<String> bash(String... more) {
    Programs.hostable("bash");
    List<String> command = new ArrayList<>(List.of("bash", "--norc", "--noprofile", "--noediting"));
    command.addAll(List.of(more));
    return command;
  }

  /** An interactive bash in the host. */
  private static Terminal interactive() throws Exception {
    return launched(bash("-i").toArray(new String[0])).expect("PROMPT> ");
  }

  /** An interactive bash of the user, outside of the host. */
  private static Terminal outside() throws Exception {
    Terminal terminal =
        Terminal.running(
            Map.of(
                "PS1",
                "USER> ",
                "HISTFILE",
                "",
                "R",
                ListeningHost.launcher(),
                "S",
                host.socket().toString()),
            bash("-i"));
    return terminal.expect("USER> ");
  }

  private static void kill(String signal, long pid) throws Exception {
    Outcome.natively(Programs.installed("kill"), "-" + signal, Long.toString(pid));
  }

  @Test
  void aProgramGetsATerminalOfItsOwn() throws Exception {
    Programs.hostable("bash");
    try (Terminal terminal =
        launched("bash", "-c", "tty; stty size; test -t 0 -a -t 1 -a -t 2 && echo three")) {
      terminal.expect("/dev/pts/").expect(Terminal.ROWS + " " + Terminal.COLUMNS).expect("three");
      assertThat(terminal.end()).isEqualTo("exited 0");
      terminal.untilState(COOKED);
    }
  }

  @Test
  void theUsersTerminalIsRawOnlyMeanwhile() throws Exception {
    try (Terminal terminal = launched(Programs.probe("copy"))) {
      terminal.untilState(RAW);
      terminal.type("echoed once\r").expect("echoed once").expect("echoed once\r\n").type("\004");
      assertThat(terminal.end()).isEqualTo("exited 0");
      assertThat(terminal.shown()).doesNotContain("echoed");
      terminal.untilState(COOKED);
    }
  }

  @Test
  void outputIsDrainedBeforeTheEnd() throws Exception {
    Programs.hostable("seq");
    try (Terminal terminal = launched("seq", "50000")) {
      terminal.expect("\r\n49999\r\n50000\r\n");
      assertThat(terminal.end()).isEqualTo("exited 0");
    }
  }

  @Test
  void interruptReachesTheProgramAndKillsTheLauncherAlike() throws Exception {
    try (Terminal terminal = launched(Programs.probe("waiter"))) {
      terminal.expect("ready").type("\003");
      assertThat(terminal.end()).isEqualTo("killed 2");
      terminal.untilState(COOKED);
    }
  }

  @Test
  void anInteractiveShellHasJobControl() throws Exception {
    try (Terminal terminal = interactive()) {
      terminal.type("echo $((6 * 7))\r").expect("\n42\r\n").expect("PROMPT> ");

      terminal.type("sleep 1000\r").expect("sleep 1000\r\n");
      foreground("sleep");
      terminal.type("\003").expect("PROMPT> ");
      terminal.type("echo $?\r").expect("\n130\r\n").expect("PROMPT> ");

      terminal.type("sleep 1000\r").expect("sleep 1000\r\n");
      foreground("sleep");
      terminal.type("\032").expect("Stopped").expect("PROMPT> ");
      terminal.type("jobs\r").expect("Stopped").expect("sleep 1000").expect("PROMPT> ");
      terminal.type("fg\r").expect("sleep 1000\r\n");
      foreground("sleep");
      terminal.type("\003").expect("PROMPT> ");

      terminal.type("exit 7\r");
      assertThat(terminal.end()).isEqualTo("exited 7");
      terminal.untilState(COOKED);
    }
  }

  /**
   * Waits until a child of the hosted shell has the terminal, and runs: what is typed before is the
   * shell's, which shows the command first.
   */
  private static void foreground(String name) {
    Patience.untilNothingToComplainOf(
        Patience.seconds(10),
        () ->
            ProcessHandle.of(host.only().pid())
                    .orElseThrow()
                    .children()
                    .flatMap(child -> Processes.of(child.pid()).stream())
                    .anyMatch(child -> child.name().equals(name) && child.isInForeground())
                ? ""
                : name + " does not run in the foreground");
  }

  @Test
  void theWindowsSizeFollows() throws Exception {
    try (Terminal terminal = interactive()) {
      terminal.type("trap 'echo winch $(stty size)' WINCH\r").expect("PROMPT> ");
      terminal.resize(40, 90);
      untilTyped(terminal, "\r", "winch 40 90"); // it heeds the signal when it has read a line
      terminal.type("exit\r");
      assertThat(terminal.end()).startsWith("exited");
    }
  }

  private static void untilTyped(Terminal terminal, String keys, String shown) {
    Patience.untilNothingToComplainOf(
        Patience.seconds(20),
        () -> {
          try {
            terminal.type(keys);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
          return Patience.until(Patience.seconds(0.2), () -> terminal.shown().contains(shown))
              ? ""
              : "there is only <" + terminal.shown() + ">";
        });
    terminal.expect(shown);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "--crash-report"})
  void aJobOfTheUsersShellIsSuspendedAndResumed(String option) throws Exception {
    try (Terminal terminal = outside()) {
      terminal.type("$R " + option + " $S " + Programs.probe("copy") + "\r");
      terminal.untilState(RAW);
      terminal.type("one\r").expect("one\r\none\r\n");

      terminal.type("\032").expect("Stopped").expect("USER> ");
      terminal.untilState("cooked");
      terminal.type("echo between\r").expect("\nbetween\r\n");

      terminal.type("fg\r").expect("fg\r\n").expect("copy\r\n");
      terminal.untilState(RAW);
      terminal.type("two\r").expect("two\r\ntwo\r\n");
      terminal.type("\004").expect("USER> ");
      terminal.untilState("cooked");
      terminal.type("echo $?; exit\r").expect("\n0\r\n");
      assertThat(terminal.end()).isEqualTo("exited 0");
    }
  }

  /**
   * Told by a handler, or by the key itself, they stop themselves by SIGTSTP when they are ready.
   */
  @ParameterizedTest
  @CsvSource({
    "less,less $FILE,q",
    "vim,vim -u NONE -N $FILE,:q!\\r",
    "bash,bash -c 'kill -TSTP $$; read -n 1',q",
    "bash,bash -c 'kill -TSTP 0; read -n 1',q",
    "bash,--crash-report $S bash -c 'kill -TSTP 0; read -n 1',q"
  })
  void whatStopsItselfIsSuspendedAndResumed(String program, String command, String end)
      throws Exception {
    Programs.hostable(program);
    Path file = directory.resolve("file");
    Files.write(file, Collections.nCopies(200, "first line"));
    try (Terminal terminal = outside()) {
      terminal.type("FILE=" + file + "\r").expect("USER> ");
      terminal.type("$R " + (command.contains("$S") ? "" : "$S ") + command + "\r");
      terminal.untilState(RAW);
      if (command.contains("$FILE")) {
        terminal.expect("first line").type("\032");
      }
      terminal.expect("Stopped ").expect("USER> ");
      terminal.untilState("cooked");
      terminal.type("echo between\r").expect("\nbetween\r\n");
      terminal.type("fg\r").expect("fg\r\n");
      terminal.untilState(RAW);
      if (command.contains("$FILE")) {
        terminal.expect("first line");
      }
      terminal.type(end.replace("\\r", "\r")).expect("USER> ");
      terminal.type("echo $?; exit\r").expect("\n0\r\n");
      assertThat(terminal.end()).isEqualTo("exited 0");
    }
  }

  /** It has not asked for more: who has started it may watch it, and continue it. */
  @Test
  void whatStopsItselfAloneLeavesWhatWaitsForIt() throws Exception {
    Programs.hostable("bash");
    Path script = directory.resolve("script");
    Files.writeString(
        script,
        """
        $R $S bash -c 'kill -TSTP $$; exit 5' &
        until read -r pid name state rest < /proc/$!/stat && [[ $state = T ]]; do sleep 0.05; done
        kill -CONT $!
        wait $!
        echo it was $?
        """);
    try (Terminal terminal = outside()) {
      terminal.type("bash " + script + "\r").expect("it was 5\r\n").expect("USER> ");
      terminal.type("exit\r");
      assertThat(terminal.end()).isEqualTo("exited 0");
    }
  }

  /** No shell could continue it. */
  @Test
  void withoutAShellWhatStopsItselfGoesOn() throws Exception {
    Programs.hostable("bash");
    try (Terminal terminal = launched("bash", "-c", "kill -TSTP $$; echo goes on")) {
      terminal.expect("goes on");
      assertThat(terminal.end()).isEqualTo("exited 0");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "--crash-report"})
  void aBackgroundJobDoesNotTakeTheTerminal(String option) throws Exception {
    try (Terminal terminal = outside()) {
      terminal
          .type("$R " + option + " $S " + Programs.probe("waiter") + " < /dev/null & \r")
          .expect("ready");
      terminal.type("echo here\r").expect("\nhere\r\n").expect("USER> ");
      assertThat(terminal.state()).startsWith("cooked");
      terminal.type("kill %1; wait %1; echo $?; exit\r").expect("143");
      terminal.end();
    }
  }

  @Test
  void vimDrawsAndWrites() throws Exception {
    Programs.hostable("vim");
    Path file = directory.resolve("file");
    try (Terminal terminal = launched("vim", "-u", "NONE", "-N", file.toString())) {
      terminal.expect("~");
      terminal.type("ihello from a hosted vim\033");
      terminal.type(":wq\r");
      assertThat(terminal.end()).isEqualTo("exited 0");
      terminal.untilState(COOKED);
    }
    assertThat(file).hasContent("hello from a hosted vim");
  }

  @Test
  void lessPages() throws Exception {
    Programs.hostable("less");
    Path file = directory.resolve("file");
    StringBuilder lines = new StringBuilder();
    for (int i = 1; i <= 200; i++) {
      lines.append("line ").append(i).append('\n');
    }
    Files.writeString(file, lines);
    try (Terminal terminal = launched("less", file.toString())) {
      terminal.expect("line 29").type(" ").expect("line 58").type("q");
      assertThat(terminal.end()).isEqualTo("exited 0");
      terminal.untilState(COOKED);
    }
  }

  @Test
  void topFillsTheScreen() throws Exception {
    Guest.cannotRunThis("its top is not the one of procps");
    Programs.hostable("top");
    try (Terminal terminal = launched("top")) {
      terminal.expect("PID").expect("COMMAND").type("q");
      assertThat(terminal.end()).isEqualTo("exited 0");
      terminal.untilState(COOKED);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"launcher", "program"})
  void theTerminalIsRestoredWhoeverIsKilled(String who) throws Exception {
    try (Terminal terminal = launched(Programs.probe("copy"))) {
      terminal.untilState(RAW);
      terminal.type("x\r").expect("x\r\nx\r\n");
      kill("KILL", who.equals("launcher") ? terminal.command().pid() : host.only().pid());
      assertThat(terminal.end()).isEqualTo("killed 9");
      terminal.untilState(COOKED);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"KILL", "TERM"})
  void theTerminalIsRestoredWhenTheHostDies(String signal) throws Exception {
    Path socket = directory.resolve("s");
    Process jvm = new ChildJvm().main(ListenIT.Listening.class, socket.toString()).start();
    try {
      assertThat(jvm.inputReader().readLine()).isEqualTo("listening");
      try (Terminal terminal =
          Terminal.running(ListeningHost.command(socket, Programs.probe("copy")))) {
        terminal.untilState(RAW);
        terminal.type("x\r").expect("x\r\nx\r\n");
        kill(signal, jvm.pid());
        terminal.expect("tproc-run: ");
        assertThat(terminal.end()).isEqualTo("exited 125");
        terminal.untilState(COOKED);
      }
    } finally {
      jvm.destroyForcibly();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"raw", "restored"})
  void theTerminalIsRestoredWhenTheLauncherDiesAtAnyMoment(String step) throws Exception {
    List<String> command =
        List.of(Programs.probe("tproc-run-dying"), host.socket().toString(), Programs.nothing());
    try (Terminal terminal = Terminal.running(Map.of("TPROC_RUN_CRASH_AT", step), command)) {
      assertThat(terminal.end()).isEqualTo("killed 9");
      terminal.untilState(COOKED);
    }
  }

  @Test
  void aTerminalThatHangsUpEndsTheProgram() throws Exception {
    try (Terminal terminal = launched(Programs.probe("waiter"))) {
      terminal.expect("ready");
    }
    host.untilEmpty();
  }

  @Test
  void withoutATerminalOfItsOwnWhenAsked() throws Exception {
    Programs.hostable("tty");
    List<String> command =
        List.of(ListeningHost.launcher(), "-T", host.socket().toString(), Programs.probe("copy"));
    try (Terminal terminal = Terminal.running(command)) {
      terminal.type("x\r").expect("x\r\nx\r\n");
      assertThat(terminal.state()).startsWith(COOKED);
      terminal.type("\004");
      assertThat(terminal.end()).isEqualTo("exited 0");
    }
  }

  @Test
  void standardErrorGoesItsOwnWayWhenItIsNoTerminal() throws Exception {
    Programs.hostable("bash");
    Path file = directory.resolve("errors");
    try (Terminal terminal =
        Terminal.running(
            List.of(
                "bash",
                "-c",
                "exec \"$0\" \"$@\" 2> " + file,
                ListeningHost.launcher(),
                host.socket().toString(),
                "bash",
                "-c",
                "echo out; echo error >&2; test -t 1 && ! test -t 2"))) {
      terminal.expect("out");
      assertThat(terminal.end()).isEqualTo("exited 0");
    }
    assertThat(file).hasContent("error");
  }

  @Test
  void pipesAreNotReplacedByATerminal() throws Exception {
    try (Terminal terminal =
        Terminal.running(
            List.of(
                "bash",
                "-c",
                "echo piped | \"$0\" \"$@\" | cat",
                ListeningHost.launcher(),
                host.socket().toString(),
                Programs.probe("copy")))) {
      terminal.expect("piped");
      assertThat(terminal.state()).startsWith(COOKED);
      assertThat(terminal.end()).isEqualTo("exited 0");
    }
  }
}
