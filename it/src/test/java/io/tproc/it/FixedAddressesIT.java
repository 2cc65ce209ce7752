package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tproc.ExitStatus.Exited;
import io.tproc.LaunchException;
import io.tproc.Signals;
import io.tproc.ThreadProc;
import io.tproc.ThreadProcStatus;
import io.tproc.ThreadProcStatus.State;
import io.tproc.TprocHost;
import java.io.BufferedReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Programs that are not position-independent (ET_EXEC) run at their own addresses. */
@ExtendWith(HostExtension.class)
class FixedAddressesIT {
  @ParameterizedTest
  @ValueSource(strings = {"threads-fixed", "threads-fixed-static"})
  void runAgainAndAgain(String probe, TprocHost host) throws Exception {
    Resources before = Resources.now();
    for (int i = 0; i < 10; i++) {
      assertThat(Outcome.hosted(host, Programs.probe(probe), "4").output()).isEqualTo("4\n");
    }
    before.assertAsBefore();
  }

  @ParameterizedTest
  @ValueSource(strings = {"forker-fixed", "forker-fixed-static"})
  void haveDescendants(String probe, TprocHost host) throws Exception {
    String[] command = {Programs.probe(probe), Programs.probe("arguments"), "x"};
    assertThat(Outcome.hosted(host, command)).isEqualTo(Outcome.natively(command));
  }

  @Test
  void theErrorNamesTheRangeAndWhoHasIt(TprocHost host) throws Exception {
    Resources before = Resources.now();
    String program = Programs.probe("threads-fixed");
    long entry = Elf.firstAddress(Path.of(program));
    try (ThreadProc owner =
            host.command(Programs.probe("memory"), "take", "0x" + Long.toHexString(entry), "65536")
                .start();
        BufferedReader output = owner.inputReader()) {
      assertThat(output.readLine()).isEqualTo("mmap: done");

      assertThatThrownBy(() -> host.command(program, "1").start())
          .isInstanceOf(LaunchException.class)
          .hasMessageContaining(Long.toHexString(entry))
          .hasMessageContaining(Long.toString(owner.pid()));

      owner.getOutputStream().close();
      assertThat(output.readLine()).as("nothing happened to it").isEqualTo("unharmed");
    }
    assertThat(Outcome.hosted(host, program, "1").output()).isEqualTo("1\n");
    before.assertAsBefore();
  }

  @Test
  void anotherOfTheSameHasToWaitForTheFirst(TprocHost host) throws Exception {
    String program = Programs.probe("waiter-fixed");
    try (ThreadProc first = host.command(program).start();
        BufferedReader output = first.inputReader()) {
      assertThat(output.readLine()).isEqualTo("ready");
      assertThatThrownBy(() -> host.command(program).start())
          .isInstanceOf(LaunchException.class)
          .hasMessageContaining(Long.toString(first.pid()));
    }
    try (ThreadProc second = host.command(program).start()) {
      assertThat(second.inputReader().readLine()).isEqualTo("ready");
    }
  }

  /** Its handle is not closed: what it holds is given back to the next one. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void theNextOneHasTheAddressesOfOneThatIsForgotten(boolean spill, TprocHost host)
      throws Exception {
    for (int i = 0; i < 3; i++) {
      runAndForget(host.command(Programs.probe("waiter-fixed")).spill(spill).start(), host);
    }
    try (ThreadProc last = host.command(Programs.probe("waiter-fixed")).start()) {
      runAndForget(last, host);
    }
  }

  /** Who reads a FIFO sees one writer, although the launch was tried twice. */
  @Test
  void aFifoIsOpenedOnceForALaunchThatSpills(TprocHost host, @TempDir Path directory)
      throws Exception {
    Path fifo = directory.resolve("fifo");
    assertThat(Outcome.natively("mkfifo", fifo.toString()).exitValue).isZero();
    FutureTask<String> reading = new FutureTask<>(() -> Files.readString(fifo));
    new Thread(reading, "reader").start();
    try (ThreadProc kept = host.command(Programs.probe("threads-fixed"), "1").start()) {
      assertThat(kept.waitFor()).isZero(); // it is not closed, so it keeps its addresses
      try (ThreadProc second =
          host.command(Programs.probe("threads-fixed"), "2")
              .spill(true)
              .redirectOutput(fifo.toFile())
              .start()) {
        assertThat(second.waitFor()).isZero();
      }
    }
    assertThat(reading.get(Patience.seconds(60).toSeconds(), TimeUnit.SECONDS)).isEqualTo("2\n");
  }

  private static void runAndForget(ThreadProc program, TprocHost host) throws Exception {
    assertThat(program.inputReader().readLine()).isEqualTo("ready");
    assertThat(host.statuses()).noneMatch(each -> each.state() == State.LEFT);
    program.destroyForcibly().waitFor();
  }

  @Test
  void oneThatMaySpillIsAnOrdinaryProcessMeanwhile(TprocHost host) throws Exception {
    spill(host); // from here on the host has all the threads that it needs for it
    Resources before = Resources.now();
    spill(host);
    before.assertAsBefore();
  }

  private static void spill(TprocHost host) throws Exception {
    String program = Programs.probe("waiter-fixed");
    try (LoggedLines lines = LoggedLines.listen();
        ThreadProc first = host.command(program).spill(true).start();
        ThreadProc second = host.command(program, "report").spill(true).start();
        BufferedReader output = second.inputReader()) {
      assertThat(first.inputReader().readLine()).isEqualTo("ready");
      assertThat(output.readLine()).isEqualTo("ready");
      assertThat(Files.readSymbolicLink(Path.of("/proc/" + second.pid() + "/exe")))
          .isEqualTo(Path.of(program));
      lines.await(
          program
              + " (pid "
              + second.pid()
              + ") is an ordinary process: the fixed addresses that it needs were taken");
      assertThat(host.statuses())
          .filteredOn(each -> each.state() == State.LEFT)
          .singleElement()
          .returns(second.pid(), ThreadProcStatus::pid);
      second.signal(Signals.SIGUSR1);
      assertThat(output.readLine()).isEqualTo(Integer.toString(Signals.SIGUSR1));
      second.destroy();
      assertThat(second.waitForExit()).isEqualTo(new Exited(3));
    }
  }

  /**
   * What they compile natively, too: one after the other has the addresses, and some are beside.
   */
  @Test
  void compilersAtOnce(@TempDir Path directory) throws Exception {
    String gcc = fixed("gcc").toString();
    StringBuilder makefile = new StringBuilder("all:");
    for (int i = 0; i < 8; i++) {
      makefile.append(" f").append(i).append(".o");
      Files.writeString(directory.resolve("f" + i + ".c"), "int f" + i + "(void) { return 0; }\n");
    }
    Files.writeString(directory.resolve("Makefile"), makefile.append("\n"));
    try (ListeningHost host = ListeningHost.open()) {
      Outcome made =
          host.sh("make -C " + directory + " -j4 CC=\"$R --spill $S " + gcc + "\" 2>&1; exit $?");
      assertThat(made.exitValue).as(made.toString()).isZero();
      for (int i = 0; i < 8; i++) {
        assertThat(directory.resolve("f" + i + ".o")).exists();
      }
      assertThat(host.sh("$R --spill $S " + gcc + " /no/such.c; exit $?").exitValue).isEqualTo(1);
    }
  }

  private static Path fixed(String program) throws Exception {
    Path path = Path.of(Programs.installed(program)).toRealPath();
    assumeTrue(
        Elf.isElf(path) && !Programs.isHostable(path),
        () -> "skipped: " + path + " has no fixed addresses");
    return path;
  }

  @Test
  void node(TprocHost host) throws Exception {
    String script =
        "const {execSync} = require('child_process'); let m = new Map();"
            + "for (let i = 0; i < 200000; i++) m.set('k' + i % 999, (m.get('k' + i % 999) || 0) + i);"
            + "console.log(m.get('k7'), execSync('echo from a child').toString(), process.execPath);"
            + "setTimeout(() => process.exit(5), 1)";
    String[] command = {fixed("node").toString(), "-e", script};
    Outcome hosted = Outcome.hosted(host, command);
    assertThat(hosted).isEqualTo(Outcome.natively(command));
    assertThat(hosted.output()).contains("from a child\n");
    assertThat(hosted.exitValue).isEqualTo(5);
  }

  @Test
  void gccCompilesAProgramThatRuns(TprocHost host, @TempDir Path directory) throws Exception {
    Path gcc = fixed("gcc");
    Path source = directory.resolve("hello.c");
    Files.writeString(
        source,
        "#include <stdio.h>\n#include <math.h>\n"
            + "int main(int c, char **v) { printf(\"%s %.3f\\n\", v[c - 1], sqrt(c)); return 4; }\n");
    for (String kind : new String[] {"-pie", "-no-pie", "-static"}) {
      String program = directory.resolve("hello" + kind).toString();
      Outcome compiled =
          Outcome.hosted(
              host, gcc.toString(), "-O2", "-fPIE", kind, "-o", program, source.toString(), "-lm");
      assertThat(compiled.exitValue).as(compiled.toString()).isZero();
      Outcome hosted = Outcome.hosted(host, program, "argument");
      assertThat(hosted).as(kind).isEqualTo(Outcome.natively(program, "argument"));
      assertThat(hosted.output()).isEqualTo("argument 1.414\n");
      assertThat(hosted.exitValue).isEqualTo(4);
    }
    Files.writeString(source, "int main(void) { return wrong; }\n");
    String[] command = {gcc.toString(), "-c", "-o", "/dev/null", source.toString()};
    assertThat(Outcome.hosted(host, command)).isEqualTo(Outcome.natively(command));
  }

  @Test
  void goAsItBuildsByDefault(TprocHost host, @TempDir Path directory) throws Exception {
    String go = Programs.installed("go");
    Path source = directory.resolve("hello.go");
    Files.writeString(
        source,
        "package main\nimport (\"fmt\"; \"os\"; \"sort\"; \"sync\")\n"
            + "func main() {\n  var group sync.WaitGroup; out := make([]int, 64)\n"
            + "  for i := range out { group.Add(1); go func(n int) { defer group.Done()\n"
            + "    s := make([]int, 50000); for j := range s { s[j] = (j * 7919 + n) % 50021 }\n"
            + "    sort.Ints(s); out[n] = s[25000] }(i) }\n"
            + "  group.Wait(); exe, err := os.Executable(); fmt.Println(out[3], out[63], exe, err)\n"
            + "  os.Exit(3)\n}\n");
    Path program = directory.resolve("hello");
    ProcessBuilder build = new ProcessBuilder(go, "build", "-o", program.toString(), "hello.go");
    build.directory(directory.toFile());
    build.environment().put("GO111MODULE", "off");
    build.environment().putIfAbsent("GOCACHE", directory.resolve("cache").toString());
    build.environment().put("HOME", System.getProperty("user.home"));
    Outcome built = Outcome.of(build.start(), "");
    assertThat(built.exitValue).as(built.toString()).isZero();
    assumeTrue(!Programs.isHostable(program), "skipped: this go builds position-independent");

    Outcome hosted = Outcome.hosted(host, program.toString());
    assertThat(hosted).isEqualTo(Outcome.natively(program.toString()));
    assertThat(hosted.exitValue).isEqualTo(3);
  }
}
