package io.tproc.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class UnitsTest {
  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "1023, 1023",
    "1024, 1.0K",
    "4096, 4.0K",
    "17825792, 17M",
    "5368709120, 5.0G",
    "17592186044416, 16T",
    "9223372036854775807, 8.0E"
  })
  void bytes(long bytes, String text) {
    assertThat(Units.bytes(bytes)).isEqualTo(text);
  }

  @ParameterizedTest
  @CsvSource({"0, 00:00", "61, 01:01", "3600, 01:00:00", "90061, 1-01:01:01"})
  void time(long seconds, String text) {
    assertThat(Units.time(Duration.ofSeconds(seconds))).isEqualTo(text);
  }
}
