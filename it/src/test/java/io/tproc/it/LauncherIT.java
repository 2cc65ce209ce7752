package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tproc.CrashReport;
import io.tproc.ThreadProc;
import io.tproc.cli.client.HostClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code tproc-run}: a program in the host behaves as if it had been started right here. */
class LauncherIT {
  @RegisterExtension static final ListeningHost host = ListeningHost.forAllTests();

  @TempDir Path directory;

  /** The same script, once with {@code $L} as the launcher and its socket, once as nothing. */
  private static void assertAsNatively(String script, String... arguments) throws Exception {
    ProcessBuilder hosted = host.script("bash", script, arguments);
    hosted.environment().put("L", ListeningHost.launcher() + " " + host.socket());
    ProcessBuilder natively = host.script("bash", script, arguments);
    natively.environment().put("L", "");
    assertThat(Outcome.of(hosted.start(), "")).isEqualTo(Outcome.of(natively.start(), ""));
  }

  @Test
  void hostsTheProgramWithTheCallersStreams() throws Exception {
    assertThat(host.run(Programs.sample("detect")).output()).startsWith("threadproc: yes\n");

    Outcome copied = Outcome.of(host.start(Programs.probe("copy")), "through the host");
    assertThat(copied.output()).isEqualTo("through the host");
    assertThat(copied.error()).isEmpty();
    Outcome error = Outcome.of(host.start(Programs.probe("copy"), "2"), "on the error output");
    assertThat(error.error()).isEqualTo("on the error output");
    assertThat(error.output()).isEmpty();
  }

  @Test
  void aProgramThatNeverForksCannot() throws Exception {
    String script = "import os\ntry: print(os.fork())\nexcept OSError as e: print(e.strerror)";
    Outcome outcome =
        host.sh("$R --never-forks $S /usr/bin/python3 -c \"$0\"; exit $?".replace("$0", script));
    assertThat(outcome.output()).isEqualTo("Function not implemented\n");
    Outcome spawned =
        host.sh("$R --never-forks $S /usr/bin/python3 -c 'import os; os.system(\"(echo a)\")'");
    assertThat(spawned.output()).isEqualTo("a\n");
  }

  private static Outcome crash(String... program) throws Exception {
    List<String> command = ListeningHost.command(host.socket(), program);
    return Outcome.of(
        new ProcessBuilder(ListeningHost.with("--crash-report", command)).start(), "");
  }

  /** In the words of the report that a program of the JVM's own has. */
  @ParameterizedTest
  @ValueSource(strings = {"segv", "overflow", "abort"})
  void aCrashIsExplained(String how) throws Exception {
    String program = Programs.sample("crash");
    Outcome outcome = crash(program, how);
    assertThat(outcome.exitValue).isEqualTo(how.equals("abort") ? 134 : 139);
    List<String> lines = outcome.error().lines().toList();
    assertThat(lines).hasSize(2);
    CrashReport report;
    try (ThreadProc own = host.host().command(program, how).crashReport(true).start()) {
      own.waitForExit();
      report = own.crashReport().orElseThrow();
    }
    assertThat(withoutAddresses(lines.get(0)))
        .isEqualTo(withoutAddresses("tproc-run: " + program + " crashed: " + report));
    assertThat(withoutAddresses(lines.get(1)))
        .isEqualTo(withoutAddresses("tproc-run: " + report.registersText()));
  }

  /** Slots lie elsewhere, threads have other numbers; offsets in files stay. */
  private static String withoutAddresses(String text) {
    return text.replaceAll("([ =])0x[0-9a-f]+", "$1ADDRESS").replaceAll("thread [0-9]+", "thread");
  }

  @Test
  void aNeighbourWhoseMemoryIsWrittenIsNamed() throws Exception {
    Process neighbour = host.start(Programs.probe("waiter"));
    assertThat(neighbour.inputReader().readLine()).isEqualTo("ready");
    long pid = host.only().pid();
    try (HostClient client = HostClient.connect(host.socket())) {
      long address =
          client.mappings(pid).items().stream()
              .filter(each -> each.readable() && !each.writable() && each.name().startsWith("/"))
              .findFirst()
              .orElseThrow()
              .address();
      Outcome outcome = crash(Programs.probe("stray"), "write", Long.toHexString(address));
      assertThat(outcome.error())
          .contains("SIGSEGV (SEGV_ACCERR), accessing 0x")
          .contains(" (pid " + pid + "), in " + Programs.probe("stray") + "+0x");
    } finally {
      neighbour.destroy();
      neighbour.waitFor();
    }
  }

  @Test
  void nothingIsExplainedOfWhatExitsOrIsKilled() throws Exception {
    assertThat(crash(Programs.sample("crash"), "exit", "3").error()).isEmpty();
    assertThat(crash(Programs.sample("crash"), "kill").error()).isEmpty();
    Process stranger =
        new ProcessBuilder(
                ListeningHost.with(
                    "--crash-report",
                    ListeningHost.command(host.socket(), Programs.probe("waiter"))))
            .start();
    assertThat(stranger.inputReader().readLine()).isEqualTo("ready");
    try (HostClient client = HostClient.connect(host.socket())) {
      client.signal(host.only().pid(), 11);
    }
    assertThat(Outcome.of(stranger, "").error()).isEmpty();
  }

  @Test
  void aProgramThatIsToStayCannotExecuteAnother() throws Exception {
    Programs.hostable("bash");
    Outcome outcome = host.sh("$R --stay $S bash -c 'exec true'; echo $?");
    assertThat(outcome.output()).isEqualTo("126\n");
    assertThat(outcome.error()).contains("Operation not permitted");
    assertThat(host.sh("$R --stay $S bash -c '/bin/true; echo $?'").output()).isEqualTo("0\n");
  }

  @Test
  void aTracedProgramHasATracer() throws Exception {
    String script = "$R --crash-report $S grep TracerPid: /proc/self/status; echo $?";
    Outcome outcome = host.sh(script);
    assumeFalse(outcome.error().contains("PTRACE_SEIZE"), "skipped: tracing is forbidden here");
    assertThat(outcome.output()).matches("TracerPid:\\t[1-9][0-9]*\n0\n");
    assertThat(host.sh(script.replace(" --crash-report", "")).output())
        .isEqualTo("TracerPid:\t0\n0\n");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3, 125, 126, 127, 255})
  void exitsWithTheProgramsCode(int code) throws Exception {
    Outcome outcome = host.run(Programs.sample("crash"), "exit", Integer.toString(code));
    assertThat(outcome.exitValue).as(outcome.toString()).isEqualTo(code);
  }

  @ParameterizedTest
  @CsvSource({"segv, killed 11", "abort, killed 6", "kill, killed 9", "exit 3, exited 3"})
  void diesByTheSignalThatKilledTheProgram(String how, String end) throws Exception {
    Outcome outcome =
        host.sh(Programs.probe("status") + " $R $S " + Programs.sample("crash") + " " + how);
    assertThat(outcome.output().strip()).isEqualTo(end);
    assertThat(outcome.error()).isEmpty();
  }

  @Test
  void aShellSeesTheTruth() throws Exception {
    Programs.hostable("bash");
    assertThat(host.sh("$R $S bash -c 'kill -SEGV $$'; echo $?").output()).isEqualTo("139\n");
    assertThat(host.sh("$R $S bash -c 'kill -TERM $$' & wait $!; echo $?").output())
        .isEqualTo("143\n");
  }

  // What a process inherits besides

  @ParameterizedTest
  @ValueSource(
      strings = {
        "taskset -c 0 $L grep Cpus_allowed_list /proc/self/status",
        "chrt --batch 0 $L python3 -c 'import os; print(os.sched_getscheduler(0))'",
        "chrt --idle 0 $L python3 -c 'import os; print(os.sched_getscheduler(0))'",
        "ionice -c 3 $L ionice",
        "ionice -c 2 -n 6 $L ionice",
        "nice -n 4 $L nice",
        "setarch -R $L cat /proc/self/personality",
        "setarch --uname-2.6 $L uname -r",
        // What it executes has it, too.
        "setarch -R $L bash -c 'exec cat /proc/self/personality'",
        "taskset -c 0 $L bash -c 'exec nproc'",
      })
  void schedulingAndPersonalityAreTheCallers(String script) throws Exception {
    Programs.hostable("bash");
    assertAsNatively(script);
  }

  // Environment

  @Test
  void theEnvironmentIsTheCallersAndNothingElse() throws Exception {
    ProcessBuilder builder =
        new ProcessBuilder(ListeningHost.command(host.socket(), Programs.probe("environment")));
    builder.environment().clear();
    builder.environment().putAll(Map.of("A", "1", "EMPTY", "", "LINES", "one\ntwo"));
    assertThat(Outcome.of(builder.start(), "").strings())
        .containsExactlyInAnyOrder("A=1", "EMPTY=", "LINES=one\ntwo");
  }

  @Test
  void anEmptyEnvironment() throws Exception {
    Outcome outcome = host.sh("env -i \"$R\" \"$S\" " + Programs.probe("environment"));
    assertThat(outcome.exitValue).as(outcome.toString()).isZero();
    assertThat(outcome.output()).isEmpty();
  }

  @Test
  void anEnvironmentOfAMebibyte() throws Exception {
    ProcessBuilder builder =
        new ProcessBuilder(ListeningHost.command(host.socket(), Programs.probe("environment")));
    builder.environment().clear();
    for (int i = 0; i < 10; i++) {
      builder.environment().put("V" + i, Integer.toString(i).repeat(100 << 10));
    }
    Outcome outcome = Outcome.of(builder.start(), "");
    assertThat(outcome.strings()).as(outcome.error()).hasSize(10);
    assertThat(outcome.strings()).contains("V7=" + "7".repeat(100 << 10));
  }

  // Arguments

  @Test
  void argumentsArriveUntouched() throws Exception {
    String probe = Programs.probe("arguments");
    assertThat(host.run(probe, "--version", "-h", "--", "", "a b", "x\ny", "é").strings())
        .containsExactly(probe, "--version", "-h", "--", "", "a b", "x\ny", "é");
    assertThat(host.sh("$R $S " + probe + " $'\\377\\001' | tail -c 3 | od -An -tx1").output())
        .isEqualTo(" ff 01 00\n");
  }

  @Test
  void argv0OfFourKibibytes() throws Exception {
    String probe = Programs.probe("arguments");
    String longest = probe;
    while (longest.length() < 4094) {
      longest = "/." + longest;
    }
    longest = longest.length() == 4094 ? longest.replaceFirst("/", "//") : longest;
    assertThat(longest).hasSize(4095);

    assertThat(host.run(longest).strings()).containsExactly(longest);

    Outcome longer = host.run("/" + longest);
    assertThat(longer.exitValue).isEqualTo(126);
    assertThat(longer.error()).contains("File name too long");
  }

  @Test
  void argumentsOfTwoMebibytes() throws Exception {
    String script =
        "ulimit -s 65536; a=$(printf '%0100000d' 7);"
            + " $L $1 $a $a $a $a $a $a $a $a $a $a $a $a $a $a $a $a $a $a $a $a $a $a | cksum";
    assertAsNatively(script, Programs.probe("arguments"));
  }

  // Directory

  @Test
  void aDeletedWorkingDirectory() throws Exception {
    String script = "mkdir \"$1/d\" && cd \"$1/d\" && rmdir \"$1/d\" && $L readlink /proc/self/cwd";
    assertAsNatively(script, directory.toString());
  }

  @Test
  void manyLaunchesFromTwoDirectories() throws Exception {
    int each = (int) Patience.scaled(100);
    Path one = Files.createDirectory(directory.resolve("one")).toRealPath();
    Path two = Files.createDirectory(directory.resolve("two")).toRealPath();
    Resources before = Resources.besideWorkers();
    String script =
        "for d in \"$1\" \"$2\"; do"
            + " (cd \"$d\" && for i in $(seq "
            + each
            + "); do $R $S "
            + Programs.probe("childstate")
            + "; done) & done; wait";
    List<String> lines =
        host.sh(script, one.toString(), two.toString())
            .output()
            .lines()
            .filter(line -> line.startsWith("cwd="))
            .toList();
    assertThat(lines).hasSize(2 * each);
    assertThat(lines.stream().filter(("cwd=" + one)::equals)).hasSize(each);
    assertThat(lines.stream().filter(("cwd=" + two)::equals)).hasSize(each);
    host.untilEmpty();
    before.assertAsBefore();
  }

  // State

  @Test
  void umaskLimitsNiceAndSignalsAreTheCallers() throws Exception {
    String script =
        "umask 027; ulimit -S -n 333; ulimit -c 0; ulimit -S -s 4096; trap '' USR1 HUP;"
            + " exec nice -n 5 $L \"$1\"";
    Map<String, String> hosted = state(script, ListeningHost.launcher() + " " + host.socket());
    Map<String, String> natively = state(script, "");
    int own = Integer.parseInt(state("exec $L \"$1\"", "").get("nice"));
    List<String> different = List.of("pid", "parent", "group", "session");
    assertThat(hosted.get("session")).as("of its own").isEqualTo(hosted.get("pid"));
    assertThat(hosted.get("group")).isEqualTo(hosted.get("pid"));
    hosted.keySet().removeAll(different);
    natively.keySet().removeAll(different);
    assertThat(hosted).isEqualTo(natively);
    assertThat(hosted)
        .containsEntry("umask", "0027")
        .containsEntry("nice", Integer.toString(Math.min(19, own + 5)))
        .containsEntry("stackLimit", (4 << 20) + hosted.get("stackLimit").replaceAll("^\\S+", ""))
        .hasEntrySatisfying(
            "changedDispositions", each -> assertThat(each.split(" ")).contains("1", "10"));
  }

  @Test
  void blockedSignalsStayBlocked() throws Exception {
    String script = "exec env --block-signal=USR2 $L \"$1\"";
    assumeTrue(
        Outcome.natively("env", "--block-signal=USR2", "true").exitValue == 0,
        "skipped: env has no --block-signal");
    Map<String, String> hosted = state(script, ListeningHost.launcher() + " " + host.socket());
    assertThat(hosted.get("blockedSignals"))
        .contains("12")
        .isEqualTo(state(script, "").get("blockedSignals"));
  }

  private Map<String, String> state(String script, String launcher) throws Exception {
    ProcessBuilder builder = host.script("bash", script, Programs.probe("childstate"));
    builder.environment().put("L", launcher);
    Outcome outcome = Outcome.of(builder.directory(directory.toFile()).start(), "");
    assertThat(outcome.exitValue).as(outcome.toString()).isZero();
    return outcome.values();
  }

  @ParameterizedTest
  @ValueSource(strings = {"<&-", ">&-", "2>&-", "<&- >&- 2>&-"})
  void closedStreamsStayClosed(String redirect) throws Exception {
    Programs.hostable("bash");
    String open = "for i in 0 1 2; do [ -e /proc/$$/fd/$i ] && s=$s$i; done; echo \"$s\" > \"$0\"";
    String script = "{ $L bash -c '" + open + "' \"$1\"; } " + redirect + "; cat \"$1\"";
    assertAsNatively(script, directory.resolve("state").toString());
  }

  // Looking up the program

  @Test
  void programsAreLookedUpWhereTheCallerWould() throws Exception {
    Path bin = Files.createDirectories(directory.resolve("bin"));
    Files.copy(Path.of(Programs.probe("arguments")), bin.resolve("only-here"));
    String here = directory.toString();
    assertThat(host.sh("PATH=\"$1/bin:$PATH\" $R $S only-here", here).strings())
        .containsExactly("only-here");
    assertThat(host.sh("cd \"$1\" && PATH=/nowhere:bin $R $S only-here", here).strings())
        .containsExactly("only-here");
    assertThat(host.sh("cd \"$1/bin\" && PATH=/nowhere: $R $S only-here", here).strings())
        .containsExactly("only-here");
    assertThat(host.sh("cd \"$1\" && $R $S bin/only-here x", here).strings())
        .containsExactly("bin/only-here", "x");
    assertThat(host.sh("$R $S only-here").exitValue).isEqualTo(127);
  }

  @Test
  void aScriptRunsInItsInterpreter() throws Exception {
    Programs.hostable("sh");
    Path script = directory.resolve("script");
    Files.writeString(script, "#!/bin/sh\necho \"$0 $1\"\nexit 4\n");
    assertThat(script.toFile().setExecutable(true)).isTrue();
    Outcome outcome = host.run(script.toString(), "x");
    assertThat(outcome.output()).isEqualTo(script + " x\n");
    assertThat(outcome.exitValue).isEqualTo(4);
  }

  @Test
  void whatCannotRunIsSaidAsAShellWould() throws Exception {
    Path text = Files.writeString(directory.resolve("text"), "no program");
    assertFails(127, "No such file or directory", "/no/such/program");
    assertFails(127, "no-such-program", "no-such-program");
    assertFails(126, "Permission denied", text.toString());
    assertFails(126, directory.toString(), directory.toString());
    Path broken = Files.writeString(directory.resolve("broken"), "\177ELF and no more");
    assertThat(broken.toFile().setExecutable(true)).isTrue();
    assertFails(126, "ELF", broken.toString());
  }

  @Test
  void aTextWithoutAFirstLineForItIsForTheShell() throws Exception {
    Programs.hostable("sh");
    Path text = Files.writeString(directory.resolve("text"), "echo \"$0 $1\"\nexit 4\n");
    assertThat(text.toFile().setExecutable(true)).isTrue();
    Outcome outcome = host.run(text.toString(), "x");
    assertThat(outcome.output()).isEqualTo(text + " x\n");
    assertThat(outcome.exitValue).isEqualTo(4);
  }

  private static void assertFails(int code, String reason, String program) throws Exception {
    Outcome outcome = host.run(program);
    assertThat(outcome.exitValue).as(outcome.toString()).isEqualTo(code);
    assertThat(outcome.error()).startsWith("tproc-run: ").contains(program).contains(reason);
    assertThat(outcome.error().lines()).hasSize(1);
    assertThat(outcome.output()).isEmpty();
  }

  @Test
  void withoutAHost() throws Exception {
    Path missing = directory.resolve("missing");
    Outcome outcome = Outcome.natively(ListeningHost.command(missing, "/bin/true"));
    assertThat(outcome.exitValue).isEqualTo(125);
    assertThat(outcome.error()).startsWith("tproc-run: ").contains(missing.toString());

    Path file = Files.createFile(directory.resolve("file"));
    Outcome none = Outcome.natively(ListeningHost.command(file, "/bin/true"));
    assertThat(none.exitValue).isEqualTo(125);
    assertThat(none.error()).startsWith("tproc-run: ").contains(file.toString());
  }

  @Test
  void wrongUseAndHelp() throws Exception {
    for (String[] wrong : new String[][] {{}, {"s"}, {"--no-such", "s", "true"}, {"--pass-fd"}}) {
      List<String> command = new java.util.ArrayList<>(List.of(ListeningHost.launcher()));
      command.addAll(Arrays.asList(wrong));
      Outcome outcome = Outcome.natively(command);
      assertThat(outcome.exitValue).as(outcome.toString()).isEqualTo(125);
      assertThat(outcome.error()).startsWith("tproc-run: ");
      assertThat(outcome.output()).isEmpty();
    }
    Outcome help = Outcome.natively(ListeningHost.launcher(), "--help");
    assertThat(help.exitValue).isZero();
    assertThat(help.output()).contains("SOCKET PROGRAM").contains("--pass-fds");
    assertThat(Outcome.natively(ListeningHost.launcher(), "--version").output())
        .startsWith("tproc-run ");
  }

  // Descriptors

  @Test
  void furtherDescriptorsArePassedWhenAsked() throws Exception {
    Path file = Files.writeString(directory.resolve("file"), "line 1\nline 2\n");
    String open = "exec 7<\"$1\" 9<\"$1\" 20<\"$1\"; read -u 7 -r x; ";
    String probe = Programs.probe("childstate");
    String path = file.toString();
    assertThat(host.sh(open + "$R $S " + probe, path).values())
        .containsEntry("descriptors", "0 1 2");
    assertThat(host.sh(open + "$R --pass-fd 7 --pass-fd 20 $S " + probe, path).values())
        .containsEntry("descriptors", "0 1 2 7 20");
    assertThat(host.sh(open + "$R --pass-fds $S " + probe, path).values())
        .containsEntry("descriptors", "0 1 2 7 9 20");
    Programs.hostable("bash");
    assertThat(host.sh(open + "$R --pass-fd 7 $S bash -c 'cat <&7'", path).output())
        .as("with its offset")
        .isEqualTo("line 2\n");

    Outcome closed = host.sh("$R --pass-fd 8 $S " + probe + " 8<&-");
    assertThat(closed.exitValue).isEqualTo(125);
    assertThat(closed.error()).startsWith("tproc-run: ").contains("8");
  }

  @Test
  void manyDescriptorsArePassed() throws Exception {
    String script =
        "ulimit -S -n 2048; for i in $(seq 100 899); do eval \"exec $i</dev/null\"; done;"
            + " $R --pass-fds $S "
            + Programs.probe("childstate");
    assertThat(host.sh(script).values().get("descriptors").split(" ")).hasSize(803);
  }

  // Pipelines

  @Test
  void aLauncherInTheMiddleOfAPipeline() throws Exception {
    Programs.hostable("sort");
    assertThat(host.sh("seq 1000000 | $R $S sort -rn | head -n 3").output())
        .isEqualTo("1000000\n999999\n999998\n");
    assertThat(host.sh("$R $S seq 1000000 | tail -n 1").output()).isEqualTo("1000000\n");
    assertThat(host.sh("seq 200000 | $R $S cat | $R $S tail -n 1").output()).isEqualTo("200000\n");
  }

  @Test
  void aPipelineWhoseReaderLeaves() throws Exception {
    Programs.hostable("yes");
    assertThat(host.sh("$R $S yes | head -n 1; echo ${PIPESTATUS[0]}").output())
        .isEqualTo("y\n141\n");
  }

  @Test
  void theOutputOfAFailedLaunchEnds() throws Exception {
    Outcome outcome = host.sh("$R $S /no/such 2>&1 | cat; echo ${PIPESTATUS[0]}");
    assertThat(outcome.output()).startsWith("tproc-run: ").endsWith("\n127\n");
  }

  // Many

  @Test
  void hundredsOfLaunchersAtOnce() throws Exception {
    alive(200); // from here on the host has all the threads that it ever needs
    // But how many of those that end are there at once is the machine's matter, and the C library
    // keeps their stacks, up to 40 MiB: a leak is what grows each time.
    AssertionError grown = null;
    for (int round = 0; round < 3; round++) {
      Resources before = Resources.besideWorkers();
      alive(500);
      try {
        before.assertAsBefore();
        return;
      } catch (AssertionError more) {
        grown = more;
      }
    }
    throw grown;
  }

  private static void alive(int launchers) throws Exception {
    int wanted = (int) Patience.scaled(launchers);
    String script =
        "for i in $(seq "
            + wanted
            + "); do $R $S "
            + Programs.probe("copy")
            + " <&0 & done; wait; echo all";
    Process shell = host.script("bash", script).start();
    Patience.untilNothingToComplainOf(
        Patience.seconds(60),
        () -> {
          int alive = host.programs().size();
          return alive == wanted ? "" : alive + " of " + wanted + " run";
        });
    shell.getOutputStream().close();
    Outcome outcome = Outcome.of(shell, "");
    assertThat(outcome.output()).as(outcome.error()).isEqualTo("all\n");
    assertThat(outcome.error()).isEmpty();
    host.untilEmpty();
  }

  @Test
  void eachOfManyGetsItsOwnAnswer() throws Exception {
    String script =
        "for i in $(seq 100); do { $R $S "
            + Programs.sample("crash")
            + " exit $i; echo $i $?; } & done; wait";
    List<String> lines = host.sh(script).output().lines().sorted().toList();
    assertThat(lines)
        .containsExactlyElementsOf(
            IntStream.rangeClosed(1, 100).mapToObj(i -> i + " " + i).sorted().toList());
  }

  @Test
  void theListTellsWhoRunsWhat() throws Exception {
    String waiter = Programs.probe("waiter");
    Process launcher = host.start(waiter, "an argument");
    assertThat(launcher.inputReader().readLine()).isEqualTo("ready");
    var listed = host.only();
    assertThat(listed.launcher()).hasValue(launcher.pid());
    assertThat(listed.command()).containsExactly(waiter, "an argument");
    assertThat(listed.state()).hasToString("RUNNING");
    assertThat(Processes.of(listed.pid()).orElseThrow().name()).isEqualTo("waiter");
    assertThat(listed.mapped()).isPositive();
    assertThat(listed.resident()).isPositive().isLessThanOrEqualTo(listed.mapped());
    launcher.destroy();
    assertThat(launcher.waitFor()).isEqualTo(143);
  }

  @Test
  void aLaunchedProgramsMemoryIsReleased() throws Exception {
    Resources before = Resources.besideWorkers();
    for (int i = 0; i < 50; i++) {
      assertThat(host.run(Programs.nothing()).exitValue).isZero();
    }
    host.untilEmpty();
    before.assertAsBefore();
  }
}
