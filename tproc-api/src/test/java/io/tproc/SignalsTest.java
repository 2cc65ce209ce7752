package io.tproc;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Field;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SignalsTest {
  @Test
  void eachConstantHasItsName() throws Exception {
    int constants = 0;
    for (Field each : Signals.class.getFields()) {
      int number = each.getInt(null);
      assertThat(Signals.name(number)).isEqualTo(each.getName());
      assertThat(Signals.parse(each.getName())).hasValue(number);
      constants++;
    }
    assertThat(constants).isEqualTo(31 + 2);
  }

  @Test
  void eachNameIsUnderstood() {
    for (int signal = 1; signal <= Signals.SIGRTMAX; signal++) {
      if (signal <= Signals.SIGSYS || signal >= Signals.SIGRTMIN) {
        assertThat(Signals.parse(Signals.name(signal))).hasValue(signal);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"9, 9", "kill, 9", "SIGKILL, 9", "cld, 17", "SIGIOT, 6", "POLL, 29", "rtmax-1, 63"})
  void understandsWhatKillDoes(String text, int signal) {
    assertThat(Signals.parse(text)).hasValue(signal);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "0", "65", "-1", "SIG", "RTMIN-1", "RTMAX+1", "RTMIN+31", "RTMIN+x"})
  void knowsWhatIsNone(String text) {
    assertThat(Signals.parse(text)).isEmpty();
  }
}
