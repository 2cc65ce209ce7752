package io.tproc.cli;

import static io.tproc.cli.client.FakeHost.failed;
import static io.tproc.cli.client.FakeHost.listed;
import static io.tproc.cli.client.FakeHost.strings;
import static io.tproc.cli.client.FakeHost.threadproc;
import static org.assertj.core.api.Assertions.assertThat;
import static org.mockito.Mockito.mock;

import io.tproc.Errno;
import io.tproc.cli.client.FakeHost;
import java.nio.file.Path;
import java.time.Duration;
import java.util.OptionalDouble;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * top, with a host that answers what the test has written. What it lists started in 1970, so no
 * process of this machine is taken for it.
 */
@Timeout(60)
class TopCommandTest {
  private static final int RUNNING = 1;
  private static final int ENDED = 3;

  @TempDir Path directory;
  private final Cli cli = new Cli(mock(HostSupplier.class));
  private String socket;

  @BeforeEach
  void name() {
    socket = directory.resolve("s").toString();
  }

  private int top(String options, byte[]... answers) throws Exception {
    try (FakeHost host = new FakeHost(Path.of(socket), answers)) {
      return cli.run(("top " + options + " " + socket).split(" +"));
    }
  }

  private static byte[] two() {
    return listed(
        2,
        threadproc(2147483646, 0, RUNNING, 0, strings("/bin/sleep", "a b")),
        threadproc(2147483647, 77, ENDED, 0, strings("x")));
  }

  @Test
  void oneTableFollowsTheOther() throws Exception {
    assertThat(top("-n 2 -d 0.1", two(), listed(0))).isZero();

    assertThat(cli.output().lines().toList())
        .satisfiesExactly(
            line ->
                assertThat(line)
                    .matches(
                        "[0-9T:-]+Z  \\Q" + socket + "\\E  2 threadprocs, 1 running, 0.0% CPU"),
            line ->
                assertThat(line)
                    .isEqualTo("       PID  STATE    THREADS  MAPPED  RESIDENT  CPU%  COMMAND"),
            line ->
                assertThat(line)
                    .isEqualTo(
                        "2147483646  running        -    5.0G      1.5K     -  /bin/sleep 'a b'"),
            line ->
                assertThat(line)
                    .isEqualTo("2147483647  ended          -    5.0G      1.5K     -  x"),
            line -> assertThat(line).isEmpty(),
            line -> assertThat(line).contains("  0 threadprocs, 0 running, 0.0% CPU"),
            line -> assertThat(line).startsWith("PID  STATE"));
    assertThat(cli.errors()).isEmpty();
  }

  @Test
  void jsonIsALineForEach() throws Exception {
    assertThat(top("--json -n 2 -d 0.1", two(), listed(0))).isZero();
    assertThat(cli.output().lines().toList())
        .satisfiesExactly(
            line ->
                assertThat(line)
                    .startsWith("{\"time\": \"")
                    .contains("\"total\": 2, \"threadprocs\": [{\"pid\": 2147483646, ")
                    .contains("\"threads\": null, \"cpuNanoseconds\": null, \"cpuPercent\": null")
                    .endsWith("\"command\": [\"x\"]}]}"),
            line -> assertThat(line).endsWith("\"total\": 0, \"threadprocs\": []}"));
  }

  @Test
  void aHostThatHangsUpHasEnded() throws Exception {
    assertThat(top("-d 0.1", two())).isEqualTo(1);
    assertThat(cli.output()).contains("/bin/sleep");
    assertThat(cli.errors()).startsWith("tproc: the host has ended: ");
  }

  @Test
  void aHostThatSaysSoHasEnded() throws Exception {
    assertThat(top("-d 0.1", two(), failed(Errno.ESHUTDOWN, "bye"))).isEqualTo(1);
    assertThat(cli.errors()).isEqualTo("tproc: the host has ended: " + socket + ": bye\n");
  }

  @Test
  void aHostThatWasNeverThereIsAnotherError() {
    assertThat(cli.run("top", socket)).isEqualTo(125);
    assertThat(cli.errors()).contains("no host listens at " + socket);
  }

  @Test
  void saysWhenThereIsMore() throws Exception {
    top("-n 1", listed(3, threadproc(1, 0, ENDED, 0, strings("x"))));
    assertThat(cli.errors()).contains("only 1 of 3 threadprocs");
  }

  @ParameterizedTest
  @CsvSource({"-n 0,COUNT", "-n -1,COUNT", "-n x,x", "-d 0,delay", "-d NaN,delay", "-d 1e9,delay"})
  void wrongNumbersAreRefusedBeforeTheHostIsAsked(String options, String named) {
    assertThat(cli.run(("top " + options + " " + socket).split(" "))).isEqualTo(125);
    assertThat(cli.errors()).contains(named).contains("tproc top --help");
  }

  @Test
  void percentOfNoTimeIsUnknown() {
    assertThat(TopSample.percent(Duration.ofMillis(500), Duration.ofSeconds(2)))
        .isEqualTo(OptionalDouble.of(25));
    assertThat(TopSample.percent(Duration.ofMillis(500), Duration.ZERO)).isEmpty();
  }

  @Test
  void aScreenShowsWhatFits() {
    assertThat(TerminalDisplay.frame("a\nb\nc\n", 2))
        .isEqualTo("\033[Ha\033[K\r\nb\033[K\r\n\033[J");
  }
}
