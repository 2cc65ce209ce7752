package io.tproc.jni;

import io.tproc.Finding;
import io.tproc.Finding.Verdict;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Turns what {@code check.c} returns into findings. */
final class Findings {
  /** Of each finding: name, verdict (its number in {@link #VERDICTS}), value, advice. */
  private static final int FIELDS = 4;

  /** In the order of enum tproc_verdict. */
  private static final Verdict[] VERDICTS = {Verdict.OK, Verdict.LIMITED, Verdict.MISSING};

  private Findings() {}

  /** Reads a block of texts in UTF-8, each with its NUL. */
  static List<Finding> read(byte[] block) {
    String[] fields = new String(block, StandardCharsets.UTF_8).split("\0", -1);
    List<Finding> findings = new ArrayList<>();
    for (int i = 0; i + FIELDS <= fields.length; i += FIELDS) {
      Verdict verdict = VERDICTS[Integer.parseInt(fields[i + 1])];
      findings.add(new Finding(fields[i], verdict, fields[i + 2], fields[i + 3]));
    }
    return List.copyOf(findings);
  }
}
