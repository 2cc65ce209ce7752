package io.tproc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CrashReportTest {
  private static CrashReport report(int signal, int code) {
    return new CrashReport(
        signal, code, OptionalLong.empty(), "", false, 0x77, "", 0, 0x1000, 42, Map.of());
  }

  @Test
  void saysInOneLineWhatHasHappened() {
    Map<String, Long> registers = new LinkedHashMap<>();
    registers.put("rip", 0x5550L);
    registers.put("rax", -1L);
    CrashReport report =
        new CrashReport(
            Signals.SIGSEGV,
            1,
            OptionalLong.of(16),
            "null pointer",
            false,
            0x5550,
            "/opt/x",
            0x1139,
            0x7f00,
            42,
            registers);

    assertThat(report)
        .hasToString(
            "SIGSEGV (SEGV_MAPERR), accessing 0x10 (null pointer), in /opt/x+0x1139, thread 42");
    assertThat(report.registersText()).isEqualTo("rip=0x5550 rax=0xffffffffffffffff");
  }

  @Test
  void withoutAnAddressAndWithoutAFile() {
    assertThat(report(6, -6)).hasToString("SIGABRT (SI_TKILL), at 0x77, thread 42");
  }

  @Test
  void aStackOverflow() {
    CrashReport report =
        new CrashReport(
            11, 1, OptionalLong.of(0x8000), "not mapped", true, 1, "f", 1, 0x8008, 1, Map.of());

    assertThat(report.toString()).contains("stack overflow, accessing 0x8000 (not mapped), in f+");
  }

  @Test
  void aNameTellsTheTerminalNothing() {
    String name = "/a\nb\033[2J\u009b31m";
    CrashReport report =
        new CrashReport(11, 1, OptionalLong.of(8), name, false, 1, name, 1, 1, 1, Map.of());

    assertThat(report.toString())
        .contains("(/a\\nb\\e[2J\\u009b31m), in /a\\nb\\e[2J\\u009b31m+0x1,");
    assertThat(report.file()).isEqualTo(name);
  }

  @ParameterizedTest
  @CsvSource({
    "4,2,ILL_ILLOPN",
    "5,1,TRAP_BRKPT",
    "7,2,BUS_ADRERR",
    "8,1,FPE_INTDIV",
    "11,2,SEGV_ACCERR",
    "31,1,SYS_SECCOMP",
    "11,128,SI_KERNEL",
    "11,0,SI_USER",
    "6,-1,SI_QUEUE",
    "11,99,99",
    "6,1,1"
  })
  void namesCodes(int signal, int code, String name) {
    assertThat(report(signal, code).codeName()).isEqualTo(name);
  }

  @Test
  void keepsTheOrderOfTheRegistersAndGivesThemToNobody() {
    Map<String, Long> registers = new LinkedHashMap<>();
    for (String name : new String[] {"rip", "rsp", "rbp", "rax"}) {
      registers.put(name, 1L);
    }
    CrashReport report =
        new CrashReport(11, 1, OptionalLong.empty(), "", false, 1, "", 0, 1, 1, registers);
    registers.put("late", 1L);

    assertThat(report.registers()).containsOnlyKeys("rip", "rsp", "rbp", "rax");
    assertThat(report.registers().keySet()).containsExactly("rip", "rsp", "rbp", "rax");
    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(() -> report.registers().clear());
  }
}
