package io.tproc.bench;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SampleTest {
  @Test
  void medianAndQuartilesAreThoseOfTheSorted() {
    Sample sample = new Sample(5, 1, 4, 2, 3);
    assertThat(sample.median()).isEqualTo(3);
    assertThat(sample.low()).isEqualTo(2);
    assertThat(sample.high()).isEqualTo(4);
    assertThat(new Sample(1, 2).median()).isEqualTo(1.5);
    assertThat(new Sample(7).high()).isEqualTo(7);
  }

  @Test
  void aRatioIsTakenRoundByRound() {
    Sample ratio = new Sample(10, 40, 90).over(new Sample(10, 20, 30));
    assertThat(ratio.values()).containsExactly(1, 2, 3);
  }

  @Test
  void ofDifferentNumbersOfRoundsItIsThatOfTheMedians() {
    assertThat(new Sample(1, 2, 3).over(new Sample(4)).values()).containsExactly(0.5);
  }
}
