package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.tproc.TprocHost;
import io.tproc.TprocListener;
import io.tproc.cli.client.HostClient;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A launcher and its program are one to a sender of signals, and neither outlives the other. */
class LauncherSignalsIT {
  @RegisterExtension static final ListeningHost host = ListeningHost.forAllTests();

  @TempDir Path directory;

  private static void kill(String signal, long pid) throws Exception {
    Outcome outcome =
        Outcome.natively(Programs.installed("kill"), "-" + signal, Long.toString(pid));
    assertThat(outcome.exitValue).as(outcome.error()).isZero();
  }

  private static Process ready(String... program) throws Exception {
    Process launcher = host.start(program);
    assertThat(launcher.inputReader().readLine()).isEqualTo("ready");
    return launcher;
  }

  private static void untilState(long pid, String states) {
    Patience.untilNothingToComplainOf(
        Patience.seconds(10),
        () -> {
          String state = Processes.of(pid).map(each -> "" + each.state()).orElse("gone");
          return states.contains(state) ? "" : pid + " is " + state + ", not " + states;
        });
  }

  private static void untilGone(long pid, double seconds) {
    Patience.untilNothingToComplainOf(
        Patience.seconds(seconds), () -> Processes.isRunning(pid) ? pid + " is still running" : "");
  }

  /** All but those that cannot be caught, and 32 and 33, which libc keeps for itself. */
  static IntStream catchable() {
    // 15 ends the probe; 17 and 20-22 mean something to the launcher itself, see below.
    return IntStream.rangeClosed(1, 64)
        .filter(each -> !List.of(9, 15, 17, 18, 19, 20, 21, 22, 32, 33).contains(each));
  }

  @Test
  void everyCatchableSignalReachesTheProgram() throws Exception {
    Process launcher = ready(Programs.probe("waiter"), "report");
    BufferedReader output = launcher.inputReader();
    for (int signal : catchable().toArray()) {
      kill(Integer.toString(signal), launcher.pid());
      assertThat(output.readLine()).isEqualTo(Integer.toString(signal));
    }
    kill("TERM", launcher.pid());
    assertThat(launcher.waitFor()).isEqualTo(3);
  }

  @Test
  void noSignalIsLostBeforeTheProgramRuns() throws Exception {
    for (int round = 0; round < Patience.scaled(100); round++) {
      Process launcher = host.start(Programs.probe("waiter"));
      if (round % 4 != 0) { // at different moments of its start
        Patience.until(java.time.Duration.ofNanos(round * 40_000L), () -> false);
      }
      kill("TERM", launcher.pid()); // not destroy(), which closes its streams: SIGPIPE
      assertThat(launcher.waitFor()).as("round %d", round).isEqualTo(143);
    }
  }

  /** Traced, the kernel says t of a program that is stopped. */
  @ParameterizedTest
  @CsvSource({
    "STOP,''",
    "TSTP,''",
    "TTIN,''",
    "TTOU,''",
    "STOP,--crash-report",
    "TSTP,--crash-report",
    "TTIN,--crash-report",
    "TTOU,--crash-report"
  })
  void stopsAndContinuesBoth(String signal, String option) throws Exception {
    List<String> command = new ArrayList<>(List.of(Programs.probe("job")));
    command.addAll(
        ListeningHost.with(option, ListeningHost.command(host.socket(), Programs.probe("waiter"))));
    Process job = new ProcessBuilder(command).start();
    long launcher = Long.parseLong(job.inputReader().readLine());
    assertThat(job.inputReader().readLine()).isEqualTo("ready");
    long program = host.only().pid();

    kill(signal, launcher);
    untilState(program, option.isEmpty() ? "T" : "t");
    untilState(launcher, "T");
    Patience.untilNothingToComplainOf(
        Patience.seconds(5),
        () -> host.only().state().toString().equals("STOPPED") ? "" : "not listed as stopped");

    kill("CONT", launcher);
    untilState(program, "SR");
    untilState(launcher, "SR");
    kill("TERM", launcher);
    assertThat(job.waitFor()).isEqualTo(143);
  }

  /** It leads a process group of its own, and sends its signal to that. */
  @Test
  void timeoutEndsWhatTheProgramHasStarted() throws Exception {
    Programs.hostable("bash");
    List<String> command = new ArrayList<>(List.of(Programs.installed("timeout")));
    command.add(Long.toString(Patience.seconds(2).toSeconds()));
    String script = "sleep 1000 & echo $!; wait";
    command.addAll(ListeningHost.command(host.socket(), "bash", "-c", script));
    Process timeout = new ProcessBuilder(command).start();
    long started = Long.parseLong(timeout.inputReader().readLine());
    assertThat(timeout.waitFor()).isEqualTo(124);
    untilGone(started, 10);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "--crash-report"})
  void aProgramThatStopsItselfStopsItsLauncher(String option) throws Exception {
    Programs.hostable("bash");
    String script = "echo ready; kill -STOP $$; echo again; exit 3";
    List<String> command = ListeningHost.command(host.socket(), "bash", "-c", script);
    Process launcher = new ProcessBuilder(ListeningHost.with(option, command)).start();
    BufferedReader output = launcher.inputReader();
    assertThat(output.readLine()).isEqualTo("ready");
    untilState(launcher.pid(), "T");
    kill("CONT", launcher.pid());
    assertThat(output.readLine()).isEqualTo("again");
    assertThat(launcher.waitFor()).isEqualTo(3);
  }

  /** A limit, as docs/limits.md says: its process group has no parent in its session. */
  @Test
  void aProgramThatSendsItselfSigtstpGoesOn() throws Exception {
    Programs.hostable("bash");
    assertThat(host.run("bash", "-c", "kill -TSTP $$; echo goes on").output())
        .isEqualTo("goes on\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "--crash-report"})
  void aJobOfAShellIsStoppedAndContinued(String option) throws Exception {
    Programs.hostable("bash");
    String script =
        "set -m; $R "
            + option
            + " $S bash -c 'kill -STOP $$; exit 5' & wait $!; echo $?; kill -CONT %1;"
            + " wait %1; echo $?";
    // 128 + SIGTSTP or SIGSTOP: that the job has stopped.
    assertThat(host.sh(script).output()).matches("1(46|47|48)\n5\n");
  }

  @Test
  void aKilledLaunchersProgramGetsSighup() throws Exception {
    Programs.hostable("bash");
    Path note = directory.resolve("note");
    String script =
        "trap 'echo hangup > \"$0\"; exit' HUP; echo ready; while :; do sleep 0.05; done";
    // The pipe of standard error would end with the launcher, and its program by SIGPIPE.
    Process launcher =
        new ProcessBuilder(
                ListeningHost.command(host.socket(), "bash", "-c", script, note.toString()))
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    assertThat(launcher.inputReader().readLine()).isEqualTo("ready");
    kill("KILL", launcher.pid());
    Patience.untilNothingToComplainOf(
        Patience.seconds(5), () -> Files.exists(note) ? "" : "no SIGHUP");
    host.untilEmpty();
  }

  @Test
  void andIsKilledWhenItStays() throws Exception {
    Programs.hostable("bash");
    Process launcher =
        host.start("bash", "-c", "trap '' HUP; echo ready; while :; do sleep 0.1; done");
    assertThat(launcher.inputReader().readLine()).isEqualTo("ready");
    long program = host.only().pid();
    kill("KILL", launcher.pid());
    untilGone(program, 6);
  }

  @Test
  void aDetachedProgramStays() throws Exception {
    List<String> command =
        List.of(
            ListeningHost.launcher(),
            "--detach",
            host.socket().toString(),
            Programs.probe("waiter"));
    Process launcher = new ProcessBuilder(command).start();
    assertThat(launcher.inputReader().readLine()).isEqualTo("ready");
    long program = host.only().pid();
    kill("KILL", launcher.pid());
    assertThat(launcher.waitFor()).isEqualTo(137);
    // Longer than a program that is not detached gets.
    assertThat(Patience.until(java.time.Duration.ofSeconds(3), () -> !Processes.isRunning(program)))
        .as("it has ended")
        .isFalse();
    try (HostClient client = HostClient.connect(host.socket())) {
      client.signal(program, 15);
    }
    untilGone(program, 5);
  }

  static List<String> steps() {
    return List.of(
        "start", "connected", "half-header", "half-request", "requested", "started", "ended");
  }

  @ParameterizedTest
  @MethodSource("steps")
  void aLauncherKilledAtAnyStepLeavesNothing(String step) throws Exception {
    Resources before = Resources.besideWorkers();
    List<String> command =
        List.of(Programs.probe("tproc-run-dying"), host.socket().toString(), Programs.nothing());
    for (int i = 0; i < 10; i++) {
      ProcessBuilder builder = new ProcessBuilder(command);
      builder.environment().put("TPROC_RUN_CRASH_AT", step);
      assertThat(Outcome.of(builder.start(), "").exitValue).isEqualTo(137);
    }
    assertThat(host.run(Programs.sample("crash"), "exit", "4").exitValue).isEqualTo(4);
    host.untilEmpty();
    before.assertAsBefore();
  }

  @ParameterizedTest
  @ValueSource(strings = {"KILL", "TERM"})
  void fiftyLaunchersEndWithTheirHost(String signal) throws Exception {
    Path socket = directory.resolve("s");
    Process jvm = new ChildJvm().main(ListenIT.Listening.class, socket.toString()).start();
    List<Process> launchers = new ArrayList<>();
    try {
      assertThat(jvm.inputReader().readLine()).isEqualTo("listening");
      for (int i = 0; i < 50; i++) {
        launchers.add(
            new ProcessBuilder(
                    ListeningHost.command(
                        socket, Programs.probe("waiter"), i % 2 == 0 ? "stubborn" : "default"))
                .start());
      }
      for (Process launcher : launchers) {
        assertThat(launcher.inputReader().readLine()).isEqualTo("ready");
      }
      List<Long> programs = listed(socket, 50);

      kill(signal, jvm.pid());
      jvm.waitFor();
      for (Process launcher : launchers) {
        Outcome outcome = Outcome.of(launcher, "");
        assertThat(outcome.exitValue).as(outcome.toString()).isEqualTo(125);
        assertThat(outcome.error()).startsWith("tproc-run: ").contains("host");
      }
      programs.forEach(pid -> untilGone(pid, 2));
    } finally {
      jvm.destroyForcibly();
      launchers.forEach(Process::destroyForcibly);
    }
  }

  /** The programs of a host. The last of them may run a moment before it is listed. */
  private static List<Long> listed(Path socket, int count) throws Exception {
    try (HostClient client = HostClient.connect(socket)) {
      List<Long> programs = new ArrayList<>();
      Patience.untilNothingToComplainOf(
          Patience.seconds(5),
          () -> {
            programs.clear();
            programs.addAll(pids(client));
            return programs.size() == count ? "" : "not " + count + " programs: " + programs;
          });
      return programs;
    }
  }

  private static List<Long> pids(HostClient client) {
    try {
      return client.statuses().items().stream().map(each -> each.pid()).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void closingAListenerTellsTheLaunchers() throws Exception {
    try (TprocHost other = TprocHost.open()) {
      TprocListener listener = other.listen(directory.resolve("s"));
      Process launcher =
          new ProcessBuilder(ListeningHost.command(listener.socket(), Programs.probe("waiter")))
              .start();
      assertThat(launcher.inputReader().readLine()).isEqualTo("ready");
      listener.close();
      Outcome outcome = Outcome.of(launcher, "");
      assertThat(outcome.exitValue).isEqualTo(125);
      assertThat(outcome.error()).startsWith("tproc-run: ").contains("host");
    }
  }
}
