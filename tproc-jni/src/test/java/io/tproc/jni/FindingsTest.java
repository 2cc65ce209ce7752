package io.tproc.jni;

import static org.assertj.core.api.Assertions.assertThat;

import io.tproc.Finding;
import io.tproc.Finding.Verdict;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class FindingsTest {
  @Test
  void readsFourTextsEach() {
    String block =
        "kernel\0000\0006.1\000\000kcmp\0001\000EPERM\000do\000pidfd\0002\000no\000–\000";

    assertThat(Findings.read(block.getBytes(StandardCharsets.UTF_8)))
        .containsExactly(
            new Finding("kernel", Verdict.OK, "6.1", ""),
            new Finding("kcmp", Verdict.LIMITED, "EPERM", "do"),
            new Finding("pidfd", Verdict.MISSING, "no", "–"));
  }

  @Test
  void readsNothingFromNothing() {
    assertThat(Findings.read(new byte[0])).isEmpty();
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
