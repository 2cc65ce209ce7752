package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
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

/**
 * {@code tproc serve}, {@code ps}, {@code maps}, {@code kill} and {@code launcher}, as users have
 * them.
 */
class ServeIT {
  @TempDir Path directory;

  private Path socket() {
    return directory.resolve("space.sock");
  }

  private static List<String> command(String... arguments) {
    List<String> command = new ArrayList<>(List.of(Programs.cli()));
    command.addAll(List.of(arguments));
    return command;
  }

  private static Outcome tproc(String... arguments) throws Exception {
    return Outcome.natively(command(arguments));
  }

  private Process serve(String... options) throws Exception {
    List<String> command = command("serve");
    command.addAll(List.of(options));
    command.add(socket().toString());
    Process server = new ProcessBuilder(command).start();
    // The script executes java, so that this is the server itself.
    assertThat(server.inputReader().readLine())
        .isEqualTo("listening at " + socket() + ", process " + server.pid());
    return server;
  }

  private static void kill(String signal, Process process) throws Exception {
    Outcome.natively(Programs.installed("kill"), "-" + signal, Long.toString(process.pid()));
  }

  @ParameterizedTest
  @CsvSource({"TERM,15", "INT,2", "HUP,1"})
  void servesUntilASignalAndLeavesNothing(String signal, int number) throws Exception {
    // A shell's background job has SIGINT ignored, and a JVM then leaves it alone.
    assumeFalse(
        Processes.ignores(number), "skipped: who started the tests had SIG" + signal + " ignored");
    Process server = serve();
    try {
      Outcome outcome =
          Outcome.natively(ListeningHost.command(socket(), Programs.sample("crash"), "exit", "7"));
      assertThat(outcome.exitValue).as(outcome.toString()).isEqualTo(7);

      kill(signal, server);

      assertThat(server.waitFor()).isZero();
      assertThat(directory).isEmptyDirectory();
      assertThat(server.errorReader().readLine()).isNull();
    } finally {
      server.destroyForcibly();
    }
  }

  @Test
  void aLineForEachStartEndAndCrash() throws Exception {
    Process server = serve("-v");
    try (BufferedReader log = server.errorReader()) {
      String crash = Programs.sample("crash");
      Outcome.natively(ListeningHost.command(socket(), crash, "exit", "7"));
      Outcome.natively(ListeningHost.command(socket(), crash, "segv"));
      Outcome.natively(
          ListeningHost.with("--crash-report", ListeningHost.command(socket(), crash, "segv")));
      Outcome.natively(
          ListeningHost.command(socket(), "/bin/sh", "-c", "exec " + crash + " exit 3"));

      String time = "[0-9-]{10}T[0-9:]{8}\\.[0-9]{3}Z ";
      String start = time + "start [0-9]+ by [0-9]+ \\(.+\\): \\Q" + crash + "\\E ";
      assertThat(log.readLine()).matches(start + "exit 7");
      assertThat(log.readLine()).matches(time + "end [0-9]+: exit status 7 after [0-9.]+ s");
      assertThat(log.readLine()).matches(start + "segv");
      assertThat(log.readLine())
          .matches(time + "end [0-9]+: killed by SIGSEGV( \\(core dumped\\))? after [0-9.]+ s");
      assertThat(log.readLine()).matches(start + "segv");
      assertThat(log.readLine())
          .matches(
              time
                  + "crash [0-9]+: SIGSEGV \\(SEGV_MAPERR\\), accessing 0x0 \\(null pointer\\), in \\Q"
                  + crash
                  + "\\E\\+0x[0-9a-f]+, thread [0-9]+");
      assertThat(log.readLine()).matches(time + "registers [0-9]+: ([a-z0-9]+=0x[0-9a-f]+ ?)+");
      assertThat(log.readLine()).matches(time + "end [0-9]+: killed by SIGSEGV.* after [0-9.]+ s");
      assertThat(log.readLine()).matches(time + "start [0-9]+ by .*: /bin/sh -c .*");
      assertThat(log.readLine())
          .matches(time + "left [0-9]+: has executed another program, and left the address space");
      assertThat(log.readLine()).matches(time + "end [0-9]+: exit status 3 after [0-9.]+ s");
      kill("TERM", server);
      assertThat(server.waitFor()).isZero();
      assertThat(log.readLine()).isNull();
    } finally {
      server.destroyForcibly();
    }
  }

  @Test
  void aLauncherGetsAProgramThatWasPrepared() throws Exception {
    String shell = Programs.hostable("sh");
    Process server = serve("-v", "--prepare", "2:" + shell);
    try (BufferedReader output = server.inputReader();
        BufferedReader log = server.errorReader()) {
      assertThat(output.readLine())
          .matches(
              "prepared 2 of \\Q" + shell + "\\E, (linked|mapped), [0-9.]+[KM] each in memory");
      Outcome outcome =
          Outcome.natively(
              ListeningHost.command(socket(), shell, "-c", "echo \"$@\"; exit 7", "x", "a", "b"));
      assertThat(outcome.output()).isEqualTo("a b\n");
      assertThat(outcome.exitValue).as(outcome.toString()).isEqualTo(7);

      kill("TERM", server);
      assertThat(server.waitFor()).isZero();
      assertThat(log.lines())
          .contains("prepared " + shell + ": 1 started, 0 missed, 0 changed, 0 failed");
    } finally {
      server.destroyForcibly();
    }
  }

  @Test
  void aLauncherGetsAProgramThatRanAhead() throws Exception {
    String program = Programs.probe("ready_cpp");
    Process server = serve("-v", "--prepare-ready", "2:" + program + " loads");
    try (BufferedReader output = server.inputReader();
        BufferedReader log = server.errorReader()) {
      assertThat(output.readLine())
          .matches("prepared 2 of \\Q" + program + "\\E loads, ready, [0-9.]+[KM] each in memory");
      Outcome outcome =
          Outcome.natively(ListeningHost.command(socket(), program, "loads", "a", "b c"));
      assertThat(outcome.output()).startsWith("waited 500500\na\nb c\nnone\n");

      kill("TERM", server);
      assertThat(server.waitFor()).isZero();
      assertThat(log.lines())
          .contains("prepared " + program + " loads: 1 started, 0 missed, 0 changed, 0 failed");
    } finally {
      server.destroyForcibly();
    }
  }

  @Test
  void whatCannotBePreparedEndsItAtOnce() throws Exception {
    Outcome outcome = tproc("serve", "--prepare", "1:/no/such/program", socket().toString());
    assertThat(outcome.exitValue).isEqualTo(125);
    assertThat(outcome.error()).startsWith("tproc: prepare /no/such/program: ");
    assertThat(socket()).doesNotExist();
  }

  private static String errorOf(List<String> command) {
    try {
      return Outcome.natively(command).error();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void theLogSaysWhenAProgramIsAnOrdinaryProcess() throws Exception {
    String program = Programs.probe("waiter-fixed");
    Process server = serve("-v");
    try (BufferedReader log = server.errorReader()) {
      Process first = new ProcessBuilder(ListeningHost.command(socket(), program)).start();
      assertThat(first.inputReader().readLine()).isEqualTo("ready");
      List<String> spilling = ListeningHost.command(socket(), program);
      spilling.add(1, "--spill");
      Process second = new ProcessBuilder(spilling).start();
      assertThat(second.inputReader().readLine()).isEqualTo("ready");
      assertThat(log.readLine()).matches(".* start [0-9]+ by [0-9]+ \\([^,]+\\): .*");
      assertThat(log.readLine()).matches(".* start [0-9]+ by [0-9]+ \\([^,]+\\): .*");
      assertThat(log.readLine())
          .matches(
              ".* left [0-9]+: an ordinary process: the fixed addresses that it needs were taken");
      assertThat(tproc("ps", socket().toString()).output()).containsPattern(" left .*waiter-fixed");
      second.destroy();
      first.destroy();
      second.waitFor();
      first.waitFor();
    } finally {
      kill("TERM", server);
      server.waitFor();
    }
  }

  @Test
  void aProgramWithAddressSanitizerRunsThere() throws Exception {
    Path source =
        Files.writeString(
            directory.resolve("wrong.c"),
            "#include <stdlib.h>\n"
                + "int main(int c, char **v) { char *p = malloc(8); p[0] = 1; free(p);"
                + " return c > 1 ? p[0] : 7; }\n");
    String program = directory.resolve("wrong").toString();
    String compiler = Programs.installed("gcc");
    Outcome compiled =
        Outcome.natively(compiler, "-fsanitize=address", "-w", source.toString(), "-o", program);
    assumeTrue(compiled.exitValue == 0, "skipped: gcc has no AddressSanitizer here");
    Outcome natively = Outcome.natively(program);
    assumeTrue(natively.exitValue == 7, "skipped: AddressSanitizer does not work natively here");
    Process server = serve();
    try {
      Outcome right = Outcome.natively(ListeningHost.command(socket(), program));
      assertThat(right.exitValue).as(right.toString()).isEqualTo(7);
      // Each finds the 16 TiB of the one before returned.
      for (int i = 0; i < 5; i++) {
        Outcome wrong =
            Outcome.natively(ListeningHost.command(socket(), program, "use after free"));
        assertThat(wrong.error()).contains("AddressSanitizer: heap-use-after-free");
      }
    } finally {
      kill("TERM", server);
      server.waitFor();
    }
    assertThat(tproc("check").output()).containsPattern("asan-shadow +ok +free");
  }

  @Test
  void aSecondHostIsRefusedAndADeadOnesSocketReplaced() throws Exception {
    Process first = serve();
    try {
      Outcome second = tproc("serve", socket().toString());
      assertThat(second.exitValue).isEqualTo(125);
      assertThat(second.error())
          .startsWith("tproc: ")
          .contains(socket().toString())
          .contains("a host listens there already");
      assertThat(second.output()).isEmpty();

      first.destroyForcibly().waitFor();
      assertThat(socket()).exists();
      Outcome gone = tproc("ps", socket().toString());
      assertThat(gone.exitValue).isEqualTo(125);
      assertThat(gone.error()).contains("it is gone, and has left the socket behind");
    } finally {
      first.destroyForcibly();
    }
    Process third = serve();
    kill("TERM", third);
    assertThat(third.waitFor()).isZero();
    assertThat(socket()).doesNotExist();
  }

  @Test
  void psMapsAndKill() throws Exception {
    Process server = serve();
    String waiter = Programs.probe("waiter");
    Process launcher = new ProcessBuilder(ListeningHost.command(socket(), waiter, "a b")).start();
    try (BufferedReader output = launcher.inputReader()) {
      assertThat(output.readLine()).isEqualTo("ready");

      Outcome table = tproc("ps", socket().toString());
      assertThat(table.exitValue).as(table.toString()).isZero();
      List<String> lines = table.output().lines().toList();
      assertThat(lines).hasSize(2);
      assertThat(lines.get(0)).matches(" *PID  STATE +MAPPED +RESIDENT +UPTIME +LAUNCHER +COMMAND");
      String user = System.getProperty("user.name");
      assertThat(lines.get(1))
          .matches(
              " *[0-9]+  running +[0-9.]+[KMG] +[0-9.]+[KM] +00:[0-5][0-9]  "
                  + launcher.pid()
                  + " \\(("
                  + user
                  + "|[0-9]+)\\)  .*/waiter 'a b'");
      String pid = lines.get(1).strip().replaceAll(" .*", "");

      Outcome json = tproc("ps", "--json", socket().toString());
      assertThat(json.output())
          .contains("\"pid\": " + pid + ",")
          .contains("\"launcherPid\": " + launcher.pid() + ",")
          .contains("\"command\": [\"" + waiter + "\", \"a b\"]");
      assertIsJson(json.output());

      Outcome maps = tproc("maps", socket().toString(), pid);
      assertThat(maps.output()).contains("r-xp").contains("/waiter").contains("[stack]");
      Outcome mapsJson = tproc("maps", "--json", socket().toString(), pid);
      assertIsJson(mapsJson.output());
      assertThat(mapsJson.output()).contains("/waiter\"}");

      Outcome gone = tproc("maps", socket().toString(), Long.toString(server.pid()));
      assertThat(gone.exitValue).isEqualTo(1);
      assertThat(gone.error()).startsWith("tproc: ").contains(Long.toString(server.pid()));

      Outcome stopped = tproc("kill", "-STOP", socket().toString(), pid);
      assertThat(stopped.exitValue).as(stopped.toString()).isZero();
      Patience.untilNothingToComplainOf(
          Patience.seconds(5),
          () -> Processes.of(launcher.pid()).orElseThrow().state() == 'T' ? "" : "not stopped");
      assertThat(tproc("ps", socket().toString()).output()).contains("stopped");
      assertThat(tproc("kill", "-s", "9", socket().toString(), pid).exitValue).isZero();
      kill("CONT", launcher);
      assertThat(launcher.waitFor()).isEqualTo(137);

      // Not the server, though it is a process of this user.
      Outcome other = tproc("kill", "-9", socket().toString(), Long.toString(server.pid()));
      assertThat(other.exitValue).isEqualTo(1);
      assertThat(server.isAlive()).isTrue();
    } finally {
      launcher.destroyForcibly();
      kill("TERM", server);
      server.waitFor();
    }
  }

  private static void assertIsJson(String text) throws Exception {
    if (Programs.find("python3").isPresent()) {
      Outcome outcome =
          Outcome.of(
              new ProcessBuilder(
                      Programs.installed("python3"), "-c", "import json, sys; json.load(sys.stdin)")
                  .start(),
              text);
      assertThat(outcome.exitValue).as(text + outcome).isZero();
    }
  }

  @Test
  void aCommandOfAnyBytesIsListed() throws Exception {
    try (ListeningHost host = ListeningHost.open()) {
      Process launcher =
          host.script(
                  "bash",
                  "exec $R $S "
                      + Programs.probe("waiter")
                      + " $'\\e[31m\\377\\n' \"$(printf %05000d 1)\"")
              .start();
      assertThat(launcher.inputReader().readLine()).isEqualTo("ready");
      String socket = host.socket().toString();
      assertIsJson(tproc("ps", "--json", socket).output());
      assertThat(tproc("ps", "--json", socket).output())
          .contains("\\u001b[31m\\ufffd\\u000a")
          .contains("\"commandCut\": true");
      assertThat(tproc("ps", socket).output()).doesNotContain("\033").contains("$'\\e[31m");
      launcher.destroy();
      assertThat(launcher.waitFor()).isEqualTo(143);
    }
  }

  @Test
  void theTreeHasLauncherManPagesAndCompletion() throws Exception {
    Path tree = Path.of(Programs.cli()).getParent().getParent();
    assertThat(tree.resolve("bin/tproc-run")).isExecutable();
    assertThat(tree.resolve("share/bash-completion/completions/tproc")).exists();
    assertThat(tree.resolve("share/bash-completion/completions/tproc-run")).exists();
    for (String page : List.of("tproc.1", "tproc-run.1")) {
      Path file = tree.resolve("share/man/man1").resolve(page);
      assertThat(file).exists();
      if (Programs.find("groff").isPresent()) {
        Outcome outcome = Outcome.natively("groff", "-man", "-ww", "-z", file.toString());
        assertThat(outcome.error()).as(page).isEmpty();
      }
    }
    String help = Outcome.natively(ListeningHost.launcher(), "--help").output();
    String page = Files.readString(tree.resolve("share/man/man1/tproc-run.1")).replace("\\-", "-");
    List<String> completions = new ArrayList<>();
    for (String file :
        List.of(
            "share/bash-completion/completions/tproc-run",
            "share/zsh/site-functions/_tproc-run",
            "share/fish/vendor_completions.d/tproc-run.fish")) {
      completions.add(Files.readString(tree.resolve(file)));
    }
    java.util.regex.Matcher options =
        java.util.regex.Pattern.compile("(?m)^ +(?:(-\\w), )?(--[a-z-]+)").matcher(help);
    int count = 0;
    while (options.find()) {
      count++;
      assertThat(page).contains(options.group(2));
      String name = options.group(2).substring(2);
      assertThat(completions)
          .allSatisfy(each -> assertThat(each).containsPattern("(--| -l )" + name + "[ =\\[},]"));
    }
    assertThat(count).isEqualTo(12);
  }

  @Test
  void theLauncherComesOutOfTheJar() throws Exception {
    Path jar = Path.of(Programs.cli()).getParent().resolveSibling("lib/tproc.jar");
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-jar",
            jar.toString(),
            "launcher");
    builder.environment().put("XDG_CACHE_HOME", directory.resolve("cache").toString());
    Outcome outcome = Outcome.of(builder.start(), "");
    assertThat(outcome.exitValue).as(outcome.toString()).isZero();
    Path launcher = Path.of(outcome.output().strip());
    assertThat(launcher).hasFileName("tproc-run").isExecutable();
    assertThat(launcher.startsWith(directory)).isTrue();

    try (ListeningHost host = ListeningHost.open()) {
      Outcome launched =
          Outcome.natively(
              launcher.toString(), host.socket().toString(), Programs.sample("crash"), "exit", "9");
      assertThat(launched.exitValue).as(launched.toString()).isEqualTo(9);
    }
  }

  /** As README shows it: two programs, started at two places, one address space. */
  @Test
  void theSampleScriptShowsASharedString() throws Exception {
    Path script = Path.of("../samples/sharedstr/two-launchers.sh");
    ProcessBuilder builder = new ProcessBuilder(Programs.installed("sh"), script.toString());
    builder.environment().put("TPROC", Path.of(Programs.cli()).getParent().toString());
    builder.environment().put("SAMPLES", Programs.samples().toString());
    builder.environment().put("TPROC_RUN", ListeningHost.launcher());
    Outcome outcome = Outcome.of(builder.start(), "");
    assertThat(outcome.exitValue).as(outcome.toString()).isZero();
    assertThat(outcome.output())
        .containsPattern("allocstr, process [0-9]+, has put it at 0x[0-9a-f]+")
        .endsWith("printstr, another process, reads there: a string in a shared address space\n");
  }
}
