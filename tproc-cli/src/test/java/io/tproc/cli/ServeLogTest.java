package io.tproc.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.tproc.ExitStatus;
import io.tproc.Signals;
import io.tproc.ThreadProcStatus;
import io.tproc.ThreadProcStatus.State;
import io.tproc.cli.client.ProgramEvent;
import io.tproc.cli.client.ProgramEvent.Leaving;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ServeLogTest {
  private static final Instant TIME = Instant.ofEpochSecond(1, 2_000_000);

  private static String ended(Optional<ExitStatus> status) {
    return lines(new ProgramEvent.Ended(41, status, TIME, Duration.ofMillis(1250))).get(0);
  }

  private static List<String> lines(ProgramEvent event) {
    return ServeLog.lines(event, UserNames.read());
  }

  @Test
  void aStartHasItsLauncherAndItsCommand() {
    ThreadProcStatus status =
        new ThreadProcStatus(
            41,
            true,
            OptionalLong.of(77),
            4_294_967_294L,
            State.RUNNING,
            TIME,
            Duration.ZERO,
            0,
            0,
            List.of("./x", "a\nb"),
            2,
            false);
    assertThat(lines(new ProgramEvent.Started(status)))
        .containsExactly("1970-01-01T00:00:01.002Z start 41 by 77 (4294967294): ./x $'a\\nb'");
  }

  @Test
  void anEndHasItsStatus() {
    assertThat(ended(Optional.of(new ExitStatus.Exited(3))))
        .isEqualTo("1970-01-01T00:00:01.002Z end 41: exit status 3 after 1.250 s");
    assertThat(ended(Optional.empty())).contains(" end 41: the status cannot be known after ");
  }

  /** Without a report, whatever the signal: another process may have sent it. */
  @ParameterizedTest
  @ValueSource(strings = {"SEGV", "ABRT", "KILL", "TERM"})
  void aSignalIsNoMoreThanThat(String name) {
    int signal = Signals.parse(name).orElseThrow();
    assertThat(ended(Optional.of(new ExitStatus.Signalled(signal, false))))
        .isEqualTo("1970-01-01T00:00:01.002Z end 41: killed by SIG" + name + " after 1.250 s");
    assertThat(ended(Optional.of(new ExitStatus.Signalled(signal, true))))
        .contains(": killed by SIG" + name + " (core dumped) after ");
  }

  @Test
  void aCrashHasTwoLinesAndNothingThatATerminalWouldObey() {
    assertThat(lines(new ProgramEvent.Crashed(41, "in /a\u001b[2J+0x1", "rip=0x1", TIME)))
        .containsExactly(
            "1970-01-01T00:00:01.002Z crash 41: in /a\\e[2J+0x1",
            "1970-01-01T00:00:01.002Z registers 41: rip=0x1");
    assertThat(lines(new ProgramEvent.Crashed(41, "somewhere", "", TIME))).hasSize(1);
  }

  @Test
  void whoLeaves() {
    assertThat(lines(new ProgramEvent.Left(41, Leaving.LEFT, TIME)))
        .containsExactly(
            "1970-01-01T00:00:01.002Z left 41: has executed another program, and left the address"
                + " space");
    assertThat(lines(new ProgramEvent.Left(41, Leaving.REFUSED, TIME)).get(0))
        .contains(" refused 41: wanted to execute another program");
    assertThat(lines(new ProgramEvent.Left(41, Leaving.AT_START, TIME)).get(0))
        .contains(" left 41: an ordinary process");
  }
}
