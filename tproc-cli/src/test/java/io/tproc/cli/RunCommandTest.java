package io.tproc.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.mockito.ArgumentMatchers.anyList;
import static org.mockito.ArgumentMatchers.anyLong;
import static org.mockito.Mockito.lenient;
import static org.mockito.Mockito.never;
import static org.mockito.Mockito.verify;
import static org.mockito.Mockito.when;

import io.tproc.CrashReport;
import io.tproc.ExitStatus;
import io.tproc.ExitStatus.Exited;
import io.tproc.ExitStatus.Signalled;
import io.tproc.LaunchException;
import io.tproc.ThreadProc;
import io.tproc.ThreadProcBuilder;
import io.tproc.TprocHost;
import io.tproc.TprocUnavailableException;
import java.io.File;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.mockito.Answers;
import org.mockito.Mock;
import org.mockito.junit.jupiter.MockitoExtension;

@ExtendWith(MockitoExtension.class)
class RunCommandTest {
  @Mock HostSupplier hosts;
  @Mock TprocHost host;

  @Mock(answer = Answers.RETURNS_SELF)
  ThreadProcBuilder builder;

  @Mock ThreadProc program;

  private final Map<String, String> environment = new HashMap<>(Map.of("INHERITED", "yes"));

  @BeforeEach
  void aHostThatRunsEverything() throws Exception {
    lenient().when(hosts.open()).thenReturn(host);
    lenient().when(host.command(anyList())).thenReturn(builder);
    lenient().doReturn(environment).when(builder).environment();
    lenient().doReturn(program).when(builder).start();
    lenient().when(program.waitForExit()).thenReturn(new Exited(0));
  }

  private void endsWith(ExitStatus status) throws InterruptedException {
    when(program.waitForExit()).thenReturn(status);
  }

  @Test
  void everythingAfterTheProgramBelongsToTheProgram() {
    Cli cli = new Cli(hosts);

    assertThat(cli.run("run", "-e", "A=b", "prog", "--help", "-e", "@file", "--", "--version", ""))
        .isZero();

    verify(host).command(List.of("prog", "--help", "-e", "@file", "--", "--version", ""));
    assertThat(cli.output()).isEmpty();
    assertThat(cli.errors()).isEmpty();
  }

  @Test
  void aProgramWhoseNameLooksLikeAnOptionComesAfterTwoDashes() {
    new Cli(hosts).run("run", "--", "--odd", "x");

    verify(host).command(List.of("--odd", "x"));
  }

  @Test
  void explainsACrashWhenItIsAskedTo() throws InterruptedException {
    endsWith(new Signalled(11, false));
    CrashReport report =
        new CrashReport(
            11, 1, OptionalLong.of(16), "null pointer", false, 1, "/x", 1, 2, 3, Map.of("rip", 1L));
    when(program.crashReport()).thenReturn(Optional.of(report));
    Cli cli = new Cli(hosts);

    assertThat(cli.run("run", "--crash-report", "prog")).isEqualTo(139);

    verify(builder).crashReport(true);
    assertThat(cli.errors()).isEqualTo("tproc: prog crashed: " + report + "\ntproc: rip=0x1\n");
  }

  @Test
  void mayHaveToStay() {
    new Cli(hosts).run("run", "--stay", "prog");

    verify(builder).stay(true);
    verify(builder).crashReport(false);
  }

  @ParameterizedTest
  @CsvSource({"4096, 4096", "500K, 512000", "64M, 67108864", "2g, 2147483648"})
  void mayOwnOnlySoMuch(String typed, long bytes) {
    assertThat(new Cli(hosts).run("run", "--heap-limit", typed, "prog")).isZero();

    verify(builder).heapLimit(bytes);
  }

  @ParameterizedTest
  @CsvSource({
    "'', no number of bytes",
    "-1, no number of bytes",
    "1T, no number of bytes",
    "0, less than 1 byte",
    "99999999999999999999, too many bytes",
    "9999999999999G, too many bytes"
  })
  void saysWhyALimitIsNone(String typed, String why) {
    Cli cli = new Cli(hosts);

    assertThat(cli.run("run", "--heap-limit=" + typed, "prog")).isEqualTo(125);

    assertThat(cli.errors()).contains(why + ": '" + typed + "'");
    verify(builder, never()).heapLimit(anyLong());
  }

  @Test
  void hasTheTerminalsStreamsAndReleasesEverything() {
    new Cli(hosts).run("run", "prog");

    verify(builder).inheritIO();
    verify(program).close();
    verify(host).close();
  }

  @Test
  void setsTheEnvironmentAndTheDirectory() {
    new Cli(hosts).run("run", "-C", "/", "--env", "A=1", "-e", "B=x=y", "prog");

    verify(builder).directory(new File("/"));
    assertThat(environment)
        .containsEntry("A", "1")
        .containsEntry("B", "x=y")
        .containsEntry("INHERITED", "yes");
  }

  @Test
  void aMissingDirectoryIsNotTheProgramsFault() {
    Cli cli = new Cli(hosts);

    assertThat(cli.run("run", "-C", "/no/such/directory", "prog")).isEqualTo(125);
    assertThat(cli.errors())
        .isEqualTo("tproc: not a directory: /no/such/directory" + System.lineSeparator());
    verify(hosts, never()).open();
  }

  @ParameterizedTest
  @CsvSource({"0", "1", "255"})
  void exitsWithTheProgramsCode(int code) throws Exception {
    endsWith(new Exited(code));

    assertThat(new Cli(hosts).run("run", "prog")).isEqualTo(code);
  }

  @Test
  void aSignalShowsAsInAShell() throws Exception {
    endsWith(new Signalled(11, true));

    assertThat(new Cli(hosts).run("run", "prog")).isEqualTo(139);
  }

  @ParameterizedTest
  @CsvSource({"2, 127", "13, 126", "8, 126"})
  void failuresToStartHaveAShellsCodes(int errno, int code) throws Exception {
    when(builder.start()).thenThrow(new LaunchException(errno, "cannot host prog: why"));
    Cli cli = new Cli(hosts);

    assertThat(cli.run("run", "prog")).isEqualTo(code);
    assertThat(cli.errors()).isEqualTo("tproc: cannot host prog: why" + System.lineSeparator());
    assertThat(cli.output()).isEmpty();
    verify(host).close();
  }

  @Test
  void aMachineThatCannotHostIsOneLine() {
    when(hosts.open()).thenThrow(new TprocUnavailableException("no seccomp here"));
    Cli cli = new Cli(hosts);

    assertThat(cli.run("run", "prog")).isEqualTo(125);
    assertThat(cli.errors()).isEqualTo("tproc: no seccomp here" + System.lineSeparator());
    verify(host, never()).command(anyList());
  }
}
