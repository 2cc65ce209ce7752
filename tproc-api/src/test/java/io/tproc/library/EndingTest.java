package io.tproc.library;

import static org.assertj.core.api.Assertions.assertThat;

import io.tproc.ExitStatus.Signalled;
import io.tproc.Signals;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class EndingTest {
  /** A library's file, and its symbols, may be called anything. */
  @Test
  void namesOfTheLibraryAreEscaped() {
    Crash crash =
        new Crash(
            Signals.SIGSEGV,
            OptionalLong.empty(),
            "",
            false,
            0x1010,
            "/x/\u202e.so",
            16,
            Optional.of("f\u001b[2J"),
            4);
    Ending ending =
        new Ending("\r.so", new Signalled(Signals.SIGSEGV, false), Optional.of(crash), null);
    String where = "SIGSEGV, in f\\e[2J+0x4 of /x/\\u202e.so+0x10";
    assertThat(ending.exception("f\n")).hasMessage("\\r.so: f\\n did not return: " + where);
    assertThat(ending.stale("f\n"))
        .hasMessage("f\\n belongs to an instance of \\r.so that has ended: " + where);
    assertThat(new LibraryTurnException("\t")).hasMessage("\\t");
  }
}
