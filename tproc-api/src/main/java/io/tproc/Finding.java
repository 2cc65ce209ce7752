package io.tproc;

import java.util.Objects;

/**
 * One thing that hosting needs or profits from, as found on this machine.
 *
 * @param name a stable name in lower case with {@code '-'}: {@code kernel}, {@code clone3}, {@code
 *     seccomp-listener}, …
 * @param verdict how it bears on hosting
 * @param value what was found: {@code 6.1.0}, {@code yes}, {@code EPERM}, …
 * @param advice what is lost or what to do; empty when the verdict is {@link Verdict#OK}
 */
public record Finding(String name, Verdict verdict, String value, String advice) {
  /** How a finding bears on hosting. */
  public enum Verdict {
    /** There, and used. */
    OK,
    /** Hosting works without it or with it as it is; the advice says what is lost. */
    LIMITED,
    /** Hosting is impossible without it; the advice says what to do. */
    MISSING
  }

  /** Refuses null components. */
  public Finding {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(verdict, "verdict");
    Objects.requireNonNull(value, "value");
    Objects.requireNonNull(advice, "advice");
  }
}
