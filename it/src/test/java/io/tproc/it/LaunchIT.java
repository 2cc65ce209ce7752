package io.tproc.it;

import static io.tproc.Errno.ENOENT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tproc.ExitStatus.Exited;
import io.tproc.ExitStatus.Signalled;
import io.tproc.LaunchException;
import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** A host starts programs, knows them, and ends them. */
@ExtendWith(HostExtension.class)
class LaunchIT {

  @Test
  void aProgramIsAProcessOfItsOwn(TprocHost host) throws Exception {
    try (ThreadProc program = host.command(Programs.probe("childstate")).start()) {
      Map<String, String> state = Outcome.of(program, "").values();

      assertThat(state).containsEntry("pid", Long.toString(program.pid()));
      assertThat(state).containsEntry("parent", Long.toString(ProcessHandle.current().pid()));
      assertThat(program.pid()).isNotEqualTo(ProcessHandle.current().pid());
      assertThat(program.waitForExit()).isEqualTo(new Exited(0));
    }
  }

  @Test
  void aProgramRunsInTheAddressSpaceOfTheJvm(TprocHost host) throws Exception {
    try (ThreadProc program = host.command(Programs.probe("waiter")).start()) {
      program.inputReader().readLine();

      // Same address space, same mappings: the program shows up in ours, and what we map shows up
      // in its.
      assertThat(Files.readString(Path.of("/proc/self/maps"))).contains(Programs.probe("waiter"));
      assertThat(Files.readString(Path.of("/proc", Long.toString(program.pid()), "maps")))
          .contains("libjvm.so");
    }
  }

  @Test
  void aNameWithoutSlashIsLookedUpInThePath(TprocHost host) throws Exception {
    String echo = Programs.hostable("echo");

    assertThat(Outcome.hosted(host, "echo", "found")).returns("found\n", Outcome::output);
    assertThat(Outcome.hosted(host, echo, "found")).returns("found\n", Outcome::output);
  }

  @Test
  void aNameThatIsNotInThePathIsNotFound(TprocHost host) {
    assertThatThrownBy(() -> host.command("no-such-program-anywhere").start())
        .isInstanceOfSatisfying(LaunchException.class, e -> assertThat(e.errno()).isEqualTo(ENOENT))
        .hasMessageContaining("no-such-program-anywhere")
        .hasMessageContaining("ENOENT");
  }

  @Test
  void aRelativeProgramIsFoundInTheDirectorySet(TprocHost host, @TempDir Path directory)
      throws Exception {
    Files.copy(Path.of(Programs.probe("childstate")), directory.resolve("state"));

    try (ThreadProc program = host.command("./state").directory(directory.toFile()).start()) {
      assertThat(Outcome.of(program, "").values())
          .containsEntry("cwd", directory.toRealPath().toString());
    }
  }

  @Test
  void everyInstanceHasItsOwnGlobalVariables(TprocHost host) throws Exception {
    try (ThreadProc first = host.command(Programs.probe("globals")).start();
        ThreadProc second = host.command(Programs.probe("globals")).start();
        BufferedReader ofFirst = first.inputReader();
        BufferedReader ofSecond = second.inputReader()) {
      assertThat(exchange(first, ofFirst)).isEqualTo("1");
      assertThat(exchange(first, ofFirst)).isEqualTo("2");
      assertThat(exchange(second, ofSecond)).isEqualTo("1");
      assertThat(exchange(first, ofFirst)).isEqualTo("3");
    }
  }

  private static String exchange(ThreadProc program, BufferedReader output) throws IOException {
    program.outputWriter().append("next\n").flush();
    return output.readLine();
  }

  @Test
  void theHostListsWhatRuns(TprocHost host) throws Exception {
    try (ThreadProc first = host.command(Programs.probe("waiter")).start();
        ThreadProc second = host.command(Programs.probe("waiter")).start()) {
      assertThat(host.running()).containsExactly(first, second);

      first.destroyForcibly();
      first.waitForExit();
      assertThat(host.running()).containsExactly(second);
    }
    assertThat(host.running()).isEmpty();
  }

  @Test
  void closingAThreadProcKillsItOnce(TprocHost host) throws Exception {
    ThreadProc program = host.command(Programs.probe("waiter"), "stubborn").start();
    program.inputReader().readLine();

    program.close();
    program.close();

    assertThat(program.isAlive()).isFalse();
    assertThat(program.waitForExit()).isEqualTo(new Signalled(9, false));
    assertThat(Processes.of(program.pid())).isEmpty();
  }

  @Test
  void closingAHostKillsAllItsThreadProcsAndNoOthers(TprocHost other) throws Exception {
    try (ThreadProc elsewhere = other.command(Programs.probe("waiter")).start()) {
      TprocHost host = TprocHost.open();
      ThreadProc first = host.command(Programs.probe("waiter"), "stubborn").start();
      ThreadProc second = host.command(Programs.probe("waiter")).start();
      first.inputReader().readLine();

      host.close();
      host.close();

      assertThat(first.waitForExit()).isEqualTo(new Signalled(9, false));
      assertThat(second.waitForExit()).isEqualTo(new Signalled(9, false));
      assertThat(Processes.of(first.pid())).isEmpty();
      assertThat(Processes.of(second.pid())).isEmpty();
      assertThat(elsewhere.isAlive()).isTrue();
      assertThatThrownBy(() -> host.command(Programs.nothing()).start())
          .isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(host::scratch).isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void oneBuilderStartsSeveral(TprocHost host) throws Exception {
    var builder = host.command(Programs.probe("arguments"), "one");
    try (ThreadProc first = builder.start();
        ThreadProc second = builder.command(Programs.probe("arguments"), "two").start()) {
      assertThat(Outcome.of(first, "").strings()).endsWith("one");
      assertThat(Outcome.of(second, "").strings()).endsWith("two");
    }
  }

  @Test
  void threadsOfAProgramWork(TprocHost host) throws Exception {
    assertThat(Outcome.hosted(host, Programs.probe("threads"), "16"))
        .returns("16\n", Outcome::output);
    assertThat(Outcome.hosted(host, Programs.probe("threads-static"), "16"))
        .returns("16\n", Outcome::output);
  }

  @Test
  void aProgramForksAndExecutes(TprocHost host) throws Exception {
    Outcome outcome =
        Outcome.hosted(host, Programs.probe("forker"), Programs.probe("arguments"), "from a child");

    assertThat(outcome)
        .returns(
            "forked: 7\n" + Programs.probe("arguments") + "\0from a child\0executed: 0\n",
            Outcome::output);
  }
}
