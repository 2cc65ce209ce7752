package io.tproc.share;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class LooksTest {
  private final Looks looks = new Looks();

  @BeforeEach
  void severalProcessors() {
    assumeTrue(Looks.MOST > 0, "with one processor there are no looks");
  }

  private int next(boolean paid) {
    int often = looks.begin();
    looks.end(often, paid);
    return often;
  }

  private void inVain(int times) {
    for (int i = 0; i < times; i++) {
      next(false);
    }
  }

  @Test
  void looksLessWhereThatIsInVain() {
    assertThat(next(false)).isEqualTo(Looks.MOST);
    assertThat(next(false)).isEqualTo(Looks.MOST / 2);
    inVain(20);
    assertThat(looks.begin()).isEqualTo(4);
  }

  @Test
  void looksMoreWhereThatPays() {
    inVain(20);
    assertThat(next(true)).isEqualTo(4);
    assertThat(next(true)).isEqualTo(8);
    for (int i = 0; i < 20; i++) {
      next(true);
    }
    assertThat(looks.begin()).isEqualTo(Looks.MOST);
  }

  @Test
  void triesAllNowAndThen() {
    inVain(20);
    int trials = 0;
    for (int i = 0; i < 650; i++) {
      trials += next(false) == Looks.MOST ? 1 : 0;
    }
    assertThat(trials).isEqualTo(10);
    assertThat(looks.begin()).as("in vain again").isEqualTo(4);
  }

  @Test
  void staysWithAllOnceATrialHasPaid() {
    inVain(64);
    assertThat(next(true)).isEqualTo(Looks.MOST);
    assertThat(looks.begin()).isEqualTo(Looks.MOST);
  }
}
