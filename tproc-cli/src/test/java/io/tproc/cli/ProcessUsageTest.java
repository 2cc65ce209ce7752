package io.tproc.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class ProcessUsageTest {
  private static final String FIELDS =
      " S 1 7 7 0 -1 4194304 1 0 0 0 250 50 9 9 20 0 3 0 123456 1 1 18446744073709551615\n";

  @Test
  void readsPastWhateverTheCommandIsCalled() {
    assertThat(ProcessUsage.parse("7 (a) S (9 b)" + FIELDS))
        .contains(new ProcessUsage(3, Duration.ofSeconds(3), Duration.ofMillis(1_234_560)));
  }

  @Test
  void aCutLineIsNone() {
    assertThat(ProcessUsage.parse("7 (a) S 1 7")).isEmpty();
  }

  @Test
  void thisProcessIsOneOfTheKernels() {
    ProcessUsage usage = ProcessUsage.of(ProcessHandle.current().pid()).orElseThrow();
    assertThat(usage.threads()).isGreaterThan(1);
    assertThat(usage.cpu()).isPositive();
    assertThat(usage.start())
        .isPositive()
        .isLessThanOrEqualTo(ProcessUsage.sinceBoot().orElseThrow());
  }

  @Test
  void aProcessThatIsNotThereHasNone() {
    assertThat(ProcessUsage.of(Integer.MAX_VALUE)).isEmpty();
  }
}
