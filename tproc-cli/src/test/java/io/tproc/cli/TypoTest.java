package io.tproc.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TypoTest {
  @ParameterizedTest
  @CsvSource({"wait, wait, 0", "wiat, wait, 1", "wai, wait, 1", "wayt, wait, 1", "ps, top, 3"})
  void countsTheStepsFromWordToWord(String from, String to, int steps) {
    assertThat(Typo.steps(from, to)).isEqualTo(steps);
    assertThat(Typo.steps(to, from)).isEqualTo(steps);
  }

  @Test
  void aShortWordIsNotMeantByEveryOther() {
    assertThat(Typo.of("x", List.of("ps", "run"))).isEmpty();
    assertThat(Typo.of("sp", List.of("ps", "run"))).containsExactly("ps");
  }
}
