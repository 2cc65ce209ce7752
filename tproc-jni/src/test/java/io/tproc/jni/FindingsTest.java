package io.tproc.jni;

import static org.assertj.core.api.Assertions.assertThat;

import io.tproc.Finding;
import io.tproc.Finding.Verdict;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class FindingsTest {
  private static byte[] text(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void readsFourFieldsEach() {
    byte[][] fields = {
      text("kernel"),
      {0},
      text("6.1"),
      text(""),
      text("kcmp"),
      {1},
      text("EPERM"),
      text("do"),
      text("pidfd"),
      {2},
      text("no"),
      text("–")
    };

    assertThat(Findings.read(fields))
        .containsExactly(
            new Finding("kernel", Verdict.OK, "6.1", ""),
            new Finding("kcmp", Verdict.LIMITED, "EPERM", "do"),
            new Finding("pidfd", Verdict.MISSING, "no", "–"));
  }

  @Test
  void theCoreReportsThisMachine() {
    assertThat(new JniProvider().check())
        .isNotEmpty()
        .allSatisfy(finding -> assertThat(finding.name()).matches("[a-z0-9-]+"))
        .filteredOn(finding -> finding.verdict() != Verdict.OK)
        .allSatisfy(finding -> assertThat(finding.advice()).isNotEmpty());
  }
}
