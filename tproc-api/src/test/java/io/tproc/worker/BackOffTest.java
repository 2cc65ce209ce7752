package io.tproc.worker;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class BackOffTest {
  @Test
  void pausesDoubleUpToTheLongest() {
    BackOff backOff = new BackOff(new BackOff.Policy(100, 500, 6));
    for (long expected : new long[] {100, 200, 400, 500, 500}) {
      assertThat(backOff.next(false)).hasValue(expected);
    }
    assertThat(backOff.next(false)).isEmpty();
  }

  @Test
  void oneThatHasServedIsStartedAtOnce() {
    BackOff backOff = new BackOff(new BackOff.Policy(100, 500, 2));
    assertThat(backOff.next(false)).hasValue(100);
    assertThat(backOff.next(true)).hasValue(0);
    assertThat(backOff.next(false)).hasValue(100);
    assertThat(backOff.next(false)).isEmpty();
  }

  @Test
  void theFirstPauseIsNoLongerThanTheLongest() {
    BackOff backOff = new BackOff(new BackOff.Policy(100, 5, 3));
    assertThat(backOff.next(false)).hasValue(5);
    BackOff once = new BackOff(new BackOff.Policy(100, 5, 1));
    assertThat(once.next(false)).isEmpty();
    BackOff longest = new BackOff(new BackOff.Policy(Long.MAX_VALUE / 2, Long.MAX_VALUE / 2, 9));
    assertThat(longest.next(false)).hasValue(Long.MAX_VALUE / 2);
    assertThat(longest.next(false)).hasValue(Long.MAX_VALUE / 2);
  }
}
