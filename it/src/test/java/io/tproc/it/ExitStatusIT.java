package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tproc.ExitStatus;
import io.tproc.ExitStatus.Exited;
import io.tproc.ExitStatus.Signalled;
import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A program's end is told as it was, and is no other's end. */
@ExtendWith(HostExtension.class)
class ExitStatusIT {
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 127, 128, 255})
  void anExitCode(int code, TprocHost host) throws Exception {
    try (ThreadProc program =
        host.command(Programs.sample("crash"), "exit", Integer.toString(code)).start()) {
      assertThat(program.waitForExit()).isEqualTo(new Exited(code));
      assertThat(program.exitStatus()).contains(new Exited(code));
      assertThat(program.exitValue()).isEqualTo(code);
      assertThat(program.waitFor()).isEqualTo(code);
    }
  }

  @ParameterizedTest
  @CsvSource({"segv,11,SIGSEGV", "abort,6,SIGABRT", "kill,9,SIGKILL", "overflow,11,SIGSEGV"})
  void aCrash(String mode, int number, String name, TprocHost host) throws Exception {
    assertThatASiblingSurvives(
        host,
        () -> {
          try (ThreadProc program = host.command(Programs.sample("crash"), mode).start()) {
            ExitStatus status = program.waitForExit();
            assertThat(status).isInstanceOf(Signalled.class);
            assertThat(((Signalled) status).signal()).isEqualTo(number);
            assertThat(((Signalled) status).signalName()).isEqualTo(name);
            assertThat(program.exitValue()).isEqualTo(128 + number);
            assertThat(program.onExit().get().exitValue()).isEqualTo(128 + number);
          }
        });
  }

  @ParameterizedTest
  @ValueSource(strings = {"segv", "abort", "kill", "overflow"})
  void aCrashOfAStaticProgram(String mode, TprocHost host) throws Exception {
    assertThatASiblingSurvives(
        host,
        () -> {
          try (ThreadProc program = host.command(Programs.sample("crash-static"), mode).start()) {
            assertThat(program.waitForExit()).isInstanceOf(Signalled.class);
          }
        });
  }

  private interface Deed {
    void run() throws Exception;
  }

  private static void assertThatASiblingSurvives(TprocHost host, Deed deed) throws Exception {
    try (ThreadProc sibling = host.command(Programs.probe("copy")).start()) {
      deed.run();
      assertThat(sibling.isAlive()).isTrue();
      assertThat(Outcome.of(sibling, "still here")).returns("still here", Outcome::output);
    }
  }

  @Test
  void killedFromOutside(TprocHost host) throws Exception {
    try (ThreadProc program = host.command(Programs.probe("waiter")).start()) {
      program.inputReader().readLine();
      assertThat(ProcessHandle.of(program.pid()).orElseThrow().destroyForcibly()).isTrue();
      assertThat(program.waitForExit()).isEqualTo(new Signalled(9, false));
      assertThat(program.exitValue()).isEqualTo(137);
    }
  }

  @Test
  void destroyIsSigterm(TprocHost host) throws Exception {
    try (ThreadProc program = host.command(Programs.probe("waiter")).start()) {
      program.inputReader().readLine();
      program.destroy();
      assertThat(program.waitForExit()).isEqualTo(new Signalled(15, false));
    }
  }

  @Test
  void destroyForciblyIsSigkill(TprocHost host) throws Exception {
    try (ThreadProc program = host.command(Programs.probe("waiter"), "stubborn").start()) {
      program.inputReader().readLine();
      program.destroy();
      assertThat(program.destroyForcibly()).isSameAs(program);
      assertThat(program.waitForExit()).isEqualTo(new Signalled(9, false));
    }
  }

  @Test
  void aProgramMayHandleSigterm(TprocHost host) throws Exception {
    try (ThreadProc program = host.command(Programs.probe("waiter"), "report").start()) {
      program.inputReader().readLine();
      program.destroy();
      assertThat(program.waitForExit()).isEqualTo(new Exited(3));
    }
  }

  @Test
  void aCoreDumpIsToldAndKillsNobodyElse(@TempDir Path directory) throws Exception {
    assumeTrue(
        !Files.readString(Path.of("/proc/sys/kernel/core_pattern")).startsWith("|"),
        "skipped: core dumps go to a program of this machine");
    // A limit of 64 KiB: the dump is of the whole shared address space, and is cut there.
    String limited = "ulimit -c 64 && cd \"$0\" && exec \"$@\"";
    Outcome outcome =
        Outcome.of(
            new ChildJvm()
                .through(Programs.installed("sh"), "-c", limited, directory.toString())
                .main(CrashMain.class, "segv")
                .start(),
            "");

    assertThat(outcome).returns("Signalled(SIGSEGV, core dumped)\n", Outcome::output);
    assertThat(outcome.exitValue).isZero();
  }

  @Test
  void withoutACoreDumpThatIsToldToo() throws Exception {
    Outcome outcome =
        Outcome.of(
            new ChildJvm()
                .through(Programs.installed("sh"), "-c", "ulimit -c 0 && exec \"$0\" \"$@\"")
                .main(CrashMain.class, "segv")
                .start(),
            "");

    assertThat(outcome).returns("Signalled(SIGSEGV)\n", Outcome::output);
  }

  @Test
  void thatOfAProgramThatAnotherHasReplacedInAJvmStartedWithSigchldIgnored() throws Exception {
    Outcome outcome =
        Outcome.of(
            new ChildJvm()
                .through(Programs.installed("sh"), "-c", "trap '' CHLD; exec \"$0\" \"$@\"")
                .main(ExecMain.class, Programs.hostable("sh"), "-c", "exec sh -c 'exit 3'")
                .start(),
            "");

    assertThat(outcome.output()).as(outcome.toString()).isEqualTo("Exited(3)\n");
    assertThat(outcome.exitValue).isZero();
  }

  /** Hosts one program, prints how it ended, and closes the host. */
  static final class ExecMain {
    private ExecMain() {}

    public static void main(String[] arguments) throws Exception {
      try (TprocHost host = TprocHost.open();
          ThreadProc program = host.command(arguments).start()) {
        program.waitFor(60, TimeUnit.SECONDS);
        System.out.println(program.exitStatus().map(Object::toString).orElse("none"));
      }
    }
  }

  @Test
  void oneThatADebuggerHoldsBackHoldsBackNoOther(TprocHost host) throws Exception {
    try (ThreadProc held = host.command(Programs.probe("waiter")).start()) {
      held.inputReader().readLine();
      Process tracer =
          new ProcessBuilder(Programs.probe("tracer"), Long.toString(held.pid())).start();
      try {
        assumeTrue(
            "attached".equals(tracer.inputReader().readLine()),
            "skipped: a process may not trace another here");
        held.destroyForcibly();
        try (ThreadProc other = host.command(Programs.probe("nothing")).start()) {
          assertThat(other.waitFor(Patience.seconds(20).toMillis(), TimeUnit.MILLISECONDS))
              .isTrue();
        }
        assertThat(held.isAlive()).isTrue();
      } finally {
        tracer.getOutputStream().close();
        tracer.waitFor();
      }
      assertThat(held.waitForExit()).isEqualTo(new Signalled(9, false));
    }
  }
}
