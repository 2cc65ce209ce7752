package io.tproc.library;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class CrashTest {
  private static Crash at(String file, Optional<String> symbol) {
    return new Crash(11, OptionalLong.of(16), "null pointer", false, 0x77, file, 0x1234, symbol, 4);
  }

  @Test
  void saysWhereItWas() {
    assertThat(at("libx.so", Optional.of("f")))
        .hasToString("accessing 0x10 (null pointer), in f+0x4 of libx.so+0x1234");
    assertThat(at("libx.so", Optional.empty()))
        .hasToString("accessing 0x10 (null pointer), in libx.so+0x1234");
    assertThat(at("", Optional.empty())).hasToString("accessing 0x10 (null pointer), at 0x77");
  }

  @Test
  void aNameTellsTheTerminalNothing() {
    assertThat(at("/a\033[2J\n", Optional.of("f\u009b31m")))
        .hasToString("accessing 0x10 (null pointer), in f\\u009b31m+0x4 of /a\\e[2J\\n+0x1234");
  }
}
