package io.tproc.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;

import io.tproc.Finding;
import io.tproc.Finding.Verdict;
import io.tproc.TprocUnavailableException;
import java.util.List;
import org.junit.jupiter.api.Test;

class CheckCommandTest {
  private static final Finding KERNEL = new Finding("kernel", Verdict.OK, "6.1.0", "");
  private static final Finding KCMP =
      new Finding("kcmp", Verdict.LIMITED, "EPERM", "allow \"kcmp\"");
  private static final Finding PIDFD =
      new Finding("pidfd", Verdict.MISSING, "ENOSYS", "use Linux 5.16");

  private final HostSupplier hosts = mock(HostSupplier.class);
  private final Cli cli = new Cli(hosts);

  private void found(Finding... findings) {
    when(hosts.check()).thenReturn(List.of(findings));
  }

  @Test
  void printsAnAlignedTableAndOneVerdict() {
    found(KERNEL, KCMP);

    assertThat(cli.run("check")).isZero();
    assertThat(cli.output().lines())
        .containsExactly(
            "kernel  ok       6.1.0",
            "kcmp    limited  EPERM",
            "        allow \"kcmp\"",
            "",
            "this machine can host programs, with limits: see kcmp");
  }

  @Test
  void aMachineWithEverythingGetsAPlainYes() {
    found(KERNEL);

    assertThat(cli.run("check")).isZero();
    assertThat(cli.output())
        .endsWith(
            System.lineSeparator() + "this machine can host programs" + System.lineSeparator());
  }

  @Test
  void whatIsMissingDecides() {
    found(KERNEL, KCMP, PIDFD);

    assertThat(cli.run("check")).isEqualTo(1);
    assertThat(cli.output().strip()).endsWith("this machine cannot host programs: see pidfd");
  }

  @Test
  void evenLookingCanBeImpossible() {
    when(hosts.check()).thenThrow(new TprocUnavailableException("no native library"));

    assertThat(cli.run("check")).isEqualTo(1);
    assertThat(cli.output().lines())
        .containsExactly("this machine cannot host programs: no native library");
  }

  @Test
  void jsonIsOneObject() {
    found(KERNEL, KCMP);

    assertThat(cli.run("check", "--json")).isZero();
    assertThat(cli.output().lines())
        .containsExactly(
            "{",
            "  \"version\": \"" + Version.number() + "\",",
            "  \"verdict\": \"limited\",",
            "  \"conclusion\": \"this machine can host programs, with limits: see kcmp\",",
            "  \"findings\": [",
            "    {\"name\": \"kernel\", \"verdict\": \"ok\", \"value\": \"6.1.0\", \"advice\": \"\"},",
            "    {\"name\": \"kcmp\", \"verdict\": \"limited\", \"value\": \"EPERM\", \"advice\": \"allow \\\"kcmp\\\"\"}",
            "  ]",
            "}");
  }

  @Test
  void jsonOfNothing() {
    when(hosts.check()).thenThrow(new TprocUnavailableException("no library"));

    assertThat(cli.run("check", "--json")).isEqualTo(1);
    assertThat(cli.output()).contains("\"verdict\": \"missing\"").contains("\"findings\": []");
  }

  @Test
  void jsonStringsAreEscaped() {
    assertThat(Json.string("a\"b\\c\nd\u0001é\ud83d\ude00\ud83d"))
        .isEqualTo("\"a\\\"b\\\\c\\u000ad\\u0001\\u00e9\\ud83d\\ude00\\ufffd\"");
  }
}
