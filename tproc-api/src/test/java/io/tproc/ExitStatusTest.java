package io.tproc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.tproc.ExitStatus.Exited;
import io.tproc.ExitStatus.Signalled;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ExitStatusTest {
  @ParameterizedTest
  @CsvSource({
    "1, SIGHUP",
    "2, SIGINT",
    "6, SIGABRT",
    "7, SIGBUS",
    "9, SIGKILL",
    "11, SIGSEGV",
    "15, SIGTERM",
    "31, SIGSYS",
    "32, SIG32",
    "34, SIGRTMIN",
    "37, SIGRTMIN+3",
    "64, SIGRTMAX"
  })
  void signalsHaveTheirLinuxNames(int signal, String name) {
    assertThat(new Signalled(signal, false).signalName()).isEqualTo(name);
  }

  @Test
  void exitValueIsTheJdks() {
    assertThat(new Exited(3).exitValue()).isEqualTo(3);
    assertThat(new Signalled(9, false).exitValue()).isEqualTo(137);
  }

  @Test
  void readsWellInALog() {
    assertThat(new Exited(0)).hasToString("Exited(0)");
    assertThat(new Signalled(15, false)).hasToString("Signalled(SIGTERM)");
    assertThat(new Signalled(11, true)).hasToString("Signalled(SIGSEGV, core dumped)");
  }

  @Test
  void equalWhenTheySayTheSame() {
    assertThat(new Signalled(11, true))
        .isEqualTo(new Signalled(11, true))
        .isNotEqualTo(new Signalled(11, false));
    assertThat(new Exited(9)).isNotEqualTo(new Signalled(9, false));
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 256})
  void refusesACodeThatLinuxNeverReports(int code) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Exited(code))
        .withMessageContaining("" + code);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 65, -9})
  void refusesASignalThatDoesNotExist(int signal) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Signalled(signal, false))
        .withMessageContaining("" + signal);
  }
}
