package io.tproc.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.anyList;
import static org.mockito.Mockito.doThrow;
import static org.mockito.Mockito.inOrder;
import static org.mockito.Mockito.lenient;
import static org.mockito.Mockito.never;
import static org.mockito.Mockito.verify;
import static org.mockito.Mockito.when;

import io.tproc.PreparedProgram;
import io.tproc.PreparedProgram.Depth;
import io.tproc.ThreadProcBuilder;
import io.tproc.TprocHost;
import io.tproc.TprocListener;
import io.tproc.TprocUnavailableException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mockito.InOrder;
import org.mockito.Mock;
import org.mockito.junit.jupiter.MockitoExtension;
import sun.misc.Signal;

@ExtendWith(MockitoExtension.class)
@Timeout(60)
class ServeCommandTest {
  @Mock HostSupplier hosts;
  @Mock TprocHost host;
  @Mock TprocListener listener;
  @Mock ThreadProcBuilder builder;
  @Mock PreparedProgram python;

  @BeforeEach
  void aHostThatListens() throws Exception {
    lenient().when(hosts.open()).thenReturn(host);
    lenient().when(host.listen(any())).thenReturn(listener);
  }

  @ParameterizedTest
  @ValueSource(strings = {"TERM", "INT", "HUP"})
  void saysThatItListensAndEndsInOrderOnASignal(String signal) throws Exception {
    assumeFalse(isIgnored(signal), "skipped: who started the tests had SIG" + signal + " ignored");
    when(listener.socket())
        .thenAnswer(
            invocation -> { // it is ready from here on
              Signal.raise(new Signal(signal));
              return Path.of("/run/s");
            });
    Cli cli = new Cli(hosts);

    assertThat(cli.run("serve", "s")).isZero();

    assertThat(cli.output())
        .isEqualTo("listening at /run/s, process " + ProcessHandle.current().pid() + "\n");
    assertThat(cli.errors()).isEmpty();
    verify(host).listen(Path.of("s"));
    InOrder order = inOrder(hosts);
    order.verify(hosts).notifyService("READY=1\nSTATUS=listening at /run/s");
    order.verify(hosts).notifyService("STOPPING=1");
  }

  @Test
  void aManagerThatCannotBeToldKeepsNobodyFromServing() throws Exception {
    assumeFalse(isIgnored("TERM"), "skipped: who started the tests had SIGTERM ignored");
    when(hosts.notifyService(any())).thenThrow(new IOException("nobody there"));
    when(listener.socket())
        .thenAnswer(
            invocation -> {
              Signal.raise(new Signal("TERM"));
              return Path.of("/run/s");
            });
    Cli cli = new Cli(hosts);

    assertThat(cli.run("serve", "s")).isZero();
    assertThat(cli.errors()).isEqualTo("tproc: nobody there\n".repeat(2));
  }

  /** A JVM leaves alone what was ignored at its start, as SIGINT is in a shell's background job. */
  private static boolean isIgnored(String signal) throws IOException {
    String ignored =
        Files.readAllLines(Path.of("/proc/self/status")).stream()
            .filter(line -> line.startsWith("SigIgn:"))
            .map(line -> line.substring("SigIgn:".length()).strip())
            .findFirst()
            .orElseThrow();
    int bit = new Signal(signal).getNumber() - 1;
    return (Long.parseUnsignedLong(ignored, 16) >>> bit & 1) != 0;
  }

  @Test
  void aSocketThatCannotBeHadIsOneLine() throws Exception {
    when(host.listen(any())).thenThrow(new IOException("cannot listen at s: others can write"));
    Cli cli = new Cli(hosts);

    assertThat(cli.run("serve", "s")).isEqualTo(125);
    assertThat(cli.errors()).isEqualTo("tproc: cannot listen at s: others can write\n");
    assertThat(cli.output()).isEmpty();
  }

  @Test
  void aMachineThatCannotHostIsOneLine() throws Exception {
    when(hosts.open()).thenThrow(new TprocUnavailableException("no seccomp here"));
    Cli cli = new Cli(hosts);

    assertThat(cli.run("serve", "s")).isEqualTo(125);
    assertThat(cli.errors()).isEqualTo("tproc: no seccomp here\n");
    verify(host, never()).listen(any());
  }

  @Test
  void programsArePreparedBeforeAnybodyCanAsk() throws Exception {
    assumeFalse(isIgnored("TERM"), "skipped: who started the tests had SIGTERM ignored");
    when(host.command(anyList())).thenReturn(builder);
    when(python.program()).thenReturn("python3");
    when(python.depth()).thenReturn(Depth.LINKED);
    when(python.ready()).thenReturn(4);
    when(python.resident()).thenReturn(4L << 20);
    when(host.prepared()).thenReturn(List.of(python));
    when(listener.socket())
        .thenAnswer(
            invocation -> {
              Signal.raise(new Signal("TERM"));
              return Path.of("/run/s");
            });
    Cli cli = new Cli(hosts);

    String worker = "2:python3  -m  worker:main";
    assertThat(
            cli.run(
                "serve",
                "--prepare-ready",
                worker,
                "--prepare",
                "4:python3",
                "--prepare=1:/opt/a:b",
                "s"))
        .isZero();

    assertThat(cli.output()).endsWith("\nprepared 4 of python3, linked, 1.0M each in memory\n");
    assertThat(cli.errors()).isEmpty();
    InOrder order = inOrder(host, builder);
    order.verify(host).command(List.of("python3"));
    order.verify(builder).prepare(4);
    order.verify(host).command(List.of("/opt/a:b"));
    order.verify(builder).prepare(1);
    order.verify(host).command(List.of("python3", "-m", "worker:main"));
    order.verify(builder).prepareUntilReady(2);
    order.verify(host).listen(any());
  }

  @Test
  void whatCannotBePreparedIsOneLine() throws Exception {
    when(host.command(anyList())).thenReturn(builder);
    doThrow(new IOException("prepare nothing: no such file")).when(builder).prepare(1);
    Cli cli = new Cli(hosts);

    assertThat(cli.run("serve", "--prepare", "1:nothing", "s")).isEqualTo(125);
    assertThat(cli.errors()).isEqualTo("tproc: prepare nothing: no such file\n");
    verify(host, never()).listen(any());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"python3", "0:python3", "-1:python3", "4:", "99999:python3", "4.5:python3"})
  void whatNamesNoProgramOrNoCountIsRefused(String typed) {
    Cli cli = new Cli(hosts);

    assertThat(cli.run("serve", "--prepare=" + typed, "s")).isEqualTo(125);
    assertThat(cli.errors()).contains("no COUNT:PROGRAM, as 4:python3: '" + typed + "'");
    verify(hosts, never()).open();
  }

  @ParameterizedTest
  @ValueSource(strings = {"python3", "0:python3 x", "4:", "4: x", "99999:python3", "4.5:python3"})
  void whatNamesNoCommandOrNoCountIsRefused(String typed) {
    Cli cli = new Cli(hosts);

    assertThat(cli.run("serve", "--prepare-ready=" + typed, "s")).isEqualTo(125);
    assertThat(cli.errors())
        .contains("no COUNT:PROGRAM ARGUMENT..., as '4:python3 worker.py': '" + typed + "'");
    verify(hosts, never()).open();
  }

  @Test
  void oneSocketIsEnough() {
    Cli cli = new Cli(hosts);

    assertThat(cli.run("serve", "a", "b")).isEqualTo(125);
    assertThat(cli.errors()).contains("'b'");
    verify(hosts, never()).open();
  }
}
