package io.tproc.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.tproc.ExitStatus;
import io.tproc.Signals;
import io.tproc.ThreadProcStatus;
import io.tproc.ThreadProcStatus.State;
import io.tproc.cli.client.ProgramEvent;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ServeLogTest {
  private static final Instant TIME = Instant.ofEpochSecond(1, 2_000_000);

  private static String ended(Optional<ExitStatus> status) {
    return ServeLog.line(
        new ProgramEvent.Ended(41, status, TIME, Duration.ofMillis(1250)), UserNames.read());
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
    assertThat(ServeLog.line(new ProgramEvent.Started(status), UserNames.read()))
        .isEqualTo("1970-01-01T00:00:01.002Z start 41 by 77 (4294967294): ./x $'a\\nb'");
  }

  @Test
  void anEndHasItsStatus() {
    assertThat(ended(Optional.of(new ExitStatus.Exited(3))))
        .isEqualTo("1970-01-01T00:00:01.002Z end 41: exit status 3 after 1.250 s");
    assertThat(ended(Optional.empty())).contains(" end 41: the status cannot be known after ");
  }

  @ParameterizedTest
  @ValueSource(strings = {"ILL", "TRAP", "ABRT", "BUS", "FPE", "SEGV", "SYS"})
  void theseAreCrashes(String name) {
    int signal = Signals.parse(name).orElseThrow();
    assertThat(ended(Optional.of(new ExitStatus.Signalled(signal, true))))
        .contains(" crash 41: SIG" + name + " (core dumped) after ");
  }

  @ParameterizedTest
  @CsvSource({"KILL", "TERM", "INT", "HUP", "PIPE"})
  void theseAreNot(String name) {
    int signal = Signals.parse(name).orElseThrow();
    assertThat(ended(Optional.of(new ExitStatus.Signalled(signal, false))))
        .contains(" end 41: SIG" + name + " after ");
  }
}
