package io.tproc.jni;

import io.tproc.Finding;
import io.tproc.Finding.Verdict;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Turns what {@code check.c} returns into findings. */
final class Findings {
  /** Of each finding: name, verdict (one byte, enum tproc_verdict), value, advice. */
  private static final int FIELDS = 4;

  private static final Verdict[] VERDICTS = {Verdict.OK, Verdict.LIMITED, Verdict.MISSING};

  private Findings() {}

  static List<Finding> read(byte[][] fields) {
    List<Finding> findings = new ArrayList<>();
    for (int i = 0; i < fields.length; i += FIELDS) {
      findings.add(
          new Finding(
              text(fields[i]),
              VERDICTS[fields[i + 1][0]],
              text(fields[i + 2]),
              text(fields[i + 3])));
    }
    return List.copyOf(findings);
  }

  private static String text(byte[] utf8) {
    return new String(utf8, StandardCharsets.UTF_8);
  }
}
