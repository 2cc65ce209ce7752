package io.tproc.library;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class SpinTest {
  private static final long LIMIT = 40_000;
  private static final long TOO_LONG = LIMIT;

  private final Spin spin = new Spin(LIMIT);

  private void learn(int times, long waited) {
    for (int i = 0; i < times; i++) {
      spin.learn(waited);
    }
  }

  @Test
  void shorterWhereItWouldNotHavePaid() {
    assertThat(spin.nanoseconds()).isEqualTo(LIMIT);
    spin.learn(TOO_LONG);
    assertThat(spin.nanoseconds()).isEqualTo(LIMIT / 2);
    learn(20, TOO_LONG);
    assertThat(spin.nanoseconds()).isEqualTo(Spin.LEAST);
  }

  @Test
  void longerWhereItWouldHavePaid() {
    learn(20, TOO_LONG);
    spin.learn(LIMIT - 1);
    assertThat(spin.nanoseconds()).isEqualTo(2 * Spin.LEAST);
    learn(20, 0);
    assertThat(spin.nanoseconds()).isEqualTo(LIMIT);
  }

  @Test
  void longerWhereItHasPaid() {
    learn(20, TOO_LONG);
    AtomicInteger looks = new AtomicInteger();
    assertThat(spin.until(() -> looks.incrementAndGet() == 3)).isTrue();
    assertThat(looks).hasValue(3);
    assertThat(spin.nanoseconds()).isEqualTo(2 * Spin.LEAST);
  }

  @Test
  void givesUp() {
    assertThat(spin.until(() -> false)).isFalse();
    assertThat(spin.nanoseconds()).as("what is learnt is how long the sleep took").isEqualTo(LIMIT);
  }

  @Test
  void looksOnceWhereItIsNotToSpin() {
    Spin never = new Spin(0);
    AtomicInteger looks = new AtomicInteger();
    assertThat(never.until(() -> looks.incrementAndGet() == 2)).isFalse();
    assertThat(looks).hasValue(1);
    never.learn(0);
    assertThat(never.nanoseconds()).isZero();
  }

  @Test
  void theShortestAndTheLongestLimits() {
    Spin shortest = new Spin(1);
    shortest.learn(TOO_LONG);
    assertThat(shortest.nanoseconds()).isEqualTo(1);
    Spin longest = new Spin(Long.MAX_VALUE);
    longest.learn(0);
    assertThat(longest.nanoseconds()).isEqualTo(Long.MAX_VALUE);
  }
}
