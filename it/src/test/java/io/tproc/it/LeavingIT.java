package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.tproc.ExitStatus.Exited;
import io.tproc.ThreadProc;
import io.tproc.ThreadProcStatus;
import io.tproc.ThreadProcStatus.State;
import io.tproc.TprocHost;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A program that executes another one in its place does not leave silently, or not at all. */
@ExtendWith(HostExtension.class)
class LeavingIT {
  private static Optional<State> state(TprocHost host, ThreadProc program) {
    return host.statuses().stream()
        .filter(each -> each.pid() == program.pid())
        .map(ThreadProcStatus::state)
        .findFirst();
  }

  private static boolean soon(BooleanSupplier condition) {
    return Patience.until(Patience.seconds(20), condition);
  }

  @Test
  void aShellThatExecsItsLastCommandIsSeenToLeave(TprocHost host) throws Exception {
    String shell = Programs.hostable("sh");
    try (LoggedLines lines = LoggedLines.listen();
        ThreadProc program =
            host.command(shell, "-c", "exec \"$0\"", Programs.probe("waiter")).start()) {
      assertThat(program.inputReader().readLine()).isEqualTo("ready");

      assertThat(soon(() -> state(host, program).equals(Optional.of(State.LEFT)))).isTrue();
      lines.await(
          shell
              + " (pid "
              + program.pid()
              + ") has executed another program, and left the address space");
    }
  }

  @Test
  void oneThatHasToStayIsRefusedAndSaysSo(TprocHost host) throws Exception {
    String shell = Programs.hostable("sh");
    try (ThreadProc program =
        host.command(shell, "-c", "exec \"$0\"", Programs.probe("nothing"))
            .stay(true)
            .redirectErrorStream(true)
            .start()) {
      assertThat(program.inputReader().lines().toList())
          .singleElement()
          .asString()
          .contains("not permitted");
      assertThat(program.waitForExit().exitValue()).isBetween(126, 127);
    }
  }

  @Test
  void itsChildrenMayExecuteWhatTheyLike(TprocHost host) throws Exception {
    String shell = Programs.hostable("sh");
    try (ThreadProc program =
        host.command(shell, "-c", "\"$0\" exit 3; exit $?", Programs.sample("crash"))
            .stay(true)
            .start()) {
      assertThat(program.waitForExit()).isEqualTo(new Exited(3));
    }
  }

  @Test
  void aProgramOfALauncherIsListedAsHavingLeft() throws Exception {
    try (ListeningHost listening = ListeningHost.open()) {
      Process launcher =
          listening.start(Programs.hostable("sh"), "-c", "exec \"$0\"", Programs.probe("waiter"));
      try {
        assertThat(launcher.inputReader().readLine()).isEqualTo("ready");
        assertThat(soon(() -> listening.only().state() == State.LEFT)).isTrue();
        Outcome ps = Outcome.natively(Programs.cli(), "ps", listening.socket().toString());
        assertThat(ps.output()).contains(" left ");
      } finally {
        launcher.destroy();
        launcher.waitFor();
      }
    }
  }

  @Test
  void theCommandWritesNothingBetweenTheLinesOfAProgramThatLeaves() throws Exception {
    Outcome outcome =
        Outcome.natively(
            Programs.cli(),
            "run",
            Programs.hostable("sh"),
            "-c",
            "exec \"$0\"",
            Programs.probe("nothing"));
    assertThat(outcome.exitValue).as(outcome.toString()).isZero();
    assertThat(outcome.error()).isEmpty();
  }
}
