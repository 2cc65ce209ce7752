package io.tproc.jni;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.tproc.TprocUnavailableException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MachineTest {
  @ParameterizedTest
  @CsvSource({"amd64, X86_64", "x86_64, X86_64", "aarch64, AARCH64"})
  void knowsTheJvmsNames(String arch, Machine machine) {
    assertThat(Machine.of("Linux", arch)).isEqualTo(machine);
  }

  @Test
  void refusesAnotherOperatingSystem() {
    assertThatExceptionOfType(TprocUnavailableException.class)
        .isThrownBy(() -> Machine.of("Mac OS X", "aarch64"))
        .withMessageContaining("needs Linux")
        .withMessageContaining("Mac OS X");
  }

  @ParameterizedTest
  @CsvSource({"i386", "riscv64", "arm"})
  void refusesAnotherArchitecture(String arch) {
    assertThatExceptionOfType(TprocUnavailableException.class)
        .isThrownBy(() -> Machine.of("Linux", arch))
        .withMessageContaining(arch)
        .withMessageContaining("x86_64 and aarch64");
  }
}
