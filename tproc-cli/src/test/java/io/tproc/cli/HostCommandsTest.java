package io.tproc.cli;

import static io.tproc.cli.client.FakeHost.done;
import static io.tproc.cli.client.FakeHost.failed;
import static io.tproc.cli.client.FakeHost.heapUsed;
import static io.tproc.cli.client.FakeHost.listed;
import static io.tproc.cli.client.FakeHost.mapped;
import static io.tproc.cli.client.FakeHost.mapping;
import static io.tproc.cli.client.FakeHost.publication;
import static io.tproc.cli.client.FakeHost.registered;
import static io.tproc.cli.client.FakeHost.strings;
import static io.tproc.cli.client.FakeHost.threadproc;
import static io.tproc.cli.client.FakeHost.use;
import static org.assertj.core.api.Assertions.assertThat;
import static org.mockito.Mockito.mock;

import io.tproc.cli.client.FakeHost;
import io.tproc.cli.client.HostClient;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** ps, maps, registry, heap and kill, with a host that answers what the test has written. */
@Timeout(60)
class HostCommandsTest {
  private static final int RUNNING = 1;
  private static final int STOPPED = 2;
  private static final int ENDED = 3;
  private static final int LEFT = 4;
  private static final int CUT = 1;

  @TempDir Path directory;
  private final Cli cli = new Cli(mock(HostSupplier.class));
  private String socket;

  @BeforeEach
  void name() {
    socket = directory.resolve("s").toString();
  }

  private int run(byte[] answer, String... arguments) throws Exception {
    return run(new byte[][] {answer}, arguments);
  }

  private int run(byte[][] answers, String... arguments) throws Exception {
    try (FakeHost host = new FakeHost(Path.of(socket), answers)) {
      return cli.run(arguments);
    }
  }

  /** maps and gdb first look whether the program is still in the address space. */
  private int runOfPresent(byte[] answer, String... arguments) throws Exception {
    return run(
        new byte[][] {listed(1, threadproc(41, 0, RUNNING, 0, strings("x"))), answer}, arguments);
  }

  @Test
  void psPrintsAnAlignedTable() throws Exception {
    byte[] answer =
        listed(
            2,
            threadproc(41, 0, RUNNING, 0, strings("/bin/sleep", "a b")),
            threadproc(12345, 77, STOPPED, CUT, strings("x")));

    assertThat(run(answer, "ps", socket)).isZero();
    assertThat(cli.output().lines())
        .containsExactly(
            "  PID  STATE    MAPPED  RESIDENT  UPTIME  LAUNCHER         COMMAND",
            "   41  running    5.0G      1.5K   01:01  host             /bin/sleep 'a b'",
            "12345  stopped    5.0G      1.5K   01:01  77 (4294967294)  x ...");
    assertThat(cli.errors()).isEmpty();
  }

  @Test
  void aLauncherThatTheHostCannotSee() throws Exception {
    run(listed(1, threadproc(1, -1, RUNNING, 0, strings("x"))), "ps", socket);
    assertThat(cli.output()).contains("  elsewhere (4294967294)  x");
  }

  @Test
  void psOfNothingIsAHeading() throws Exception {
    assertThat(run(listed(0), "ps", socket)).isZero();
    assertThat(cli.output().lines()).hasSize(1);
  }

  @Test
  void psCutsLongCommandsUnlessAskedNotTo() throws Exception {
    byte[] answer = listed(1, threadproc(1, 0, RUNNING, 0, strings("x".repeat(500))));

    run(answer, "ps", socket);
    assertThat(cli.output()).contains("x".repeat(120) + " ...").doesNotContain("x".repeat(121));
  }

  @Test
  void psWide() throws Exception {
    run(listed(1, threadproc(1, 0, RUNNING, 0, strings("x".repeat(500)))), "ps", "-w", socket);
    assertThat(cli.output()).contains("x".repeat(500)).doesNotContain("...");
  }

  @Test
  void psSaysWhenThereIsMore() throws Exception {
    run(listed(3, threadproc(1, 0, RUNNING, 0, strings("x"))), "ps", socket);
    assertThat(cli.errors()).isEqualTo("tproc: only 1 of 3 threadprocs are shown\n");
  }

  @Test
  void aCommandCannotDriveTheTerminal() throws Exception {
    run(listed(1, threadproc(1, 0, RUNNING, 0, strings("\033]0;x\007", "\377\n"))), "ps", socket);
    assertThat(cli.output()).contains("$'\\e]0;x\\u0007' $'\ufffd\\n'");
  }

  @Test
  void psJsonHasEverythingInFull() throws Exception {
    byte[] answer =
        listed(
            2,
            threadproc(41, 0, RUNNING, 0, strings("/bin/sleep", "a \"b\"\\\n\001\377")),
            threadproc(42, 77, STOPPED, CUT, new byte[0]));

    assertThat(run(answer, "ps", "--json", socket)).isZero();
    assertThat(cli.output().lines())
        .containsExactly(
            "[",
            "  {\"pid\": 41, \"state\": \"running\", \"mappedBytes\": 5368709120,"
                + " \"residentBytes\": 1536, \"started\": \"1970-01-01T00:00:01Z\","
                + " \"uptimeNanoseconds\": 61000000007, \"launcherPid\": 0, \"userId\": 4294967294,"
                + " \"argumentCount\": 2, \"commandCut\": false, \"command\": [\"/bin/sleep\", \"a"
                + " \\\"b\\\"\\\\\\u000a\\u0001\\ufffd\"]},",
            "  {\"pid\": 42, \"state\": \"stopped\", \"mappedBytes\": 5368709120,"
                + " \"residentBytes\": 1536, \"started\": \"1970-01-01T00:00:01Z\","
                + " \"uptimeNanoseconds\": 61000000007, \"launcherPid\": 77, \"userId\":"
                + " 4294967294, \"argumentCount\": 2, \"commandCut\": true, \"command\": []}",
            "]");
  }

  @Test
  void psJsonOfNothing() throws Exception {
    run(listed(0), "ps", "--json", socket);
    assertThat(cli.output().strip()).isEqualTo("[]");
  }

  @Test
  void mapsPrintsATable() throws Exception {
    byte[] answer =
        mapped(
            2,
            mapping(0x5555_0000_0000L, 8192, 1 | 4, strings("/bin/x\033y")),
            mapping(0x7fff_0000_0000L, 8 << 20, 1 | 2, strings("[stack]")));

    assertThat(runOfPresent(answer, "maps", socket, "41")).isZero();
    assertThat(cli.output().lines())
        .containsExactly(
            "ADDRESS                    MODE  SIZE  NAME",
            "555500000000-555500002000  r-xp  8.0K  /bin/x\\ey",
            "7fff00000000-7fff00800000  rw-p  8.0M  [stack]");
  }

  @Test
  void mapsJson() throws Exception {
    byte[] answer = mapped(1, mapping(0x7fff_0000_0000L, 4096, 1 | 8, strings("/dev/shm/\351")));

    assertThat(runOfPresent(answer, "maps", "--json", socket, "41")).isZero();
    assertThat(cli.output().lines())
        .containsExactly(
            "[",
            "  {\"address\": 140733193388032, \"size\": 4096, \"readable\": true, \"writable\":"
                + " false, \"executable\": false, \"shared\": true, \"name\":"
                + " \"/dev/shm/\\ufffd\"}",
            "]");
  }

  @Test
  void mapsOfSomebodyElse() throws Exception {
    assertThat(runOfPresent(failed(3, "no threadproc 1 here"), "maps", socket, "1")).isEqualTo(1);
    assertThat(cli.errors()).isEqualTo("tproc: no threadproc 1 here\n");
    assertThat(cli.output()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"maps SOCKET 41", "maps --json SOCKET 41", "gdb --script SOCKET 41"})
  void ofOneThatHasLeftNothingIsShown(String line) throws Exception {
    byte[][] answers = {
      listed(1, threadproc(41, 0, LEFT, 0, strings("x"))),
      mapped(1, mapping(0x5555_0000_0000L, 8192, 1 | 4, strings("/bin/x")))
    };
    assertThat(run(answers, line.replace("SOCKET", socket).split(" "))).isEqualTo(1);
    assertThat(cli.output()).isEmpty();
    assertThat(cli.errors()).startsWith("tproc: 41 has executed another program, and left");
  }

  @Test
  void registryPrintsATable() throws Exception {
    byte[] answer =
        registered(
            3,
            publication("ring", "acme.Ring/1", -1, 0, 0),
            publication("a\033\351", "", 0, 1, 256 + 9),
            publication("gone", "x", 2, 1, 3));

    assertThat(run(answer, "registry", socket)).isZero();
    assertThat(cli.output().lines())
        .containsExactly(
            "NAME  TYPE         ADDRESS  SIZE     VERSION  OWNER  STATE",
            "a\\e\ufffd  -               1000  8.0K           0     41  killed by SIGKILL",
            "gone  x               1000  8.0K           2     41  exit status 3",
            "ring  acme.Ring/1     1000  8.0K  4294967295     41  live");
  }

  @Test
  void registryJson() throws Exception {
    byte[] answer = registered(1, publication("ring", "t", 7, 1, 0));

    assertThat(run(answer, "registry", "--json", socket)).isZero();
    assertThat(cli.output().lines())
        .containsExactly(
            "[",
            "  {\"name\": \"ring\", \"type\": \"t\", \"address\": 4096, \"size\": 8192,"
                + " \"version\": 7, \"owner\": 41, \"kept\": true, \"ended\": true, \"state\":"
                + " \"exit status 0\"}",
            "]");
  }

  @Test
  void registrySaysWhenThereIsMore() throws Exception {
    run(registered(2, publication("x", "", 0, 0, 0)), "registry", socket);
    assertThat(cli.errors()).isEqualTo("tproc: only 1 of 2 publications are shown\n");
  }

  @Test
  void heapPrintsTheLargestFirstAndSums() throws Exception {
    byte[] answer =
        heapUsed(
            4096, use(7, 1, 0, 0, 0), use(41, 3, 1, 2, 96), use(42, 3, 0, 1, 1 << 20, 2 << 20));

    assertThat(run(answer, "heap", socket)).isZero();
    assertThat(cli.output().lines())
        .containsExactly(
            "PID  OWNER            BLOCKS  BYTES  LIMIT",
            " 42  process               1   1.0M   2.0M",
            " 41  process (ended)       2     96      -",
            "  7  host                  0      0      -",
            "1.0M in blocks, 128K taken, 4.0K in memory, of 1.0G");
  }

  @Test
  void heapJson() throws Exception {
    assertThat(run(heapUsed(0, use(7, 2, 0, 1, 64)), "heap", "--json", socket)).isZero();
    assertThat(cli.output())
        .isEqualTo(
            "{\"sizeBytes\": 1073741824, \"takenBytes\": 131072, \"residentBytes\": 0, \"owners\":"
                + " [{\"pid\": 7, \"owner\": \"channels\", \"ended\": false, \"blocks\": 1,"
                + " \"bytes\": 64, \"limit\": 0}]}\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {"registry", "heap"})
  void aHostWithoutSharedMemorySaysSo(String command) throws Exception {
    assertThat(run(failed(95, "no shared heap: ulimit -v"), command, socket)).isEqualTo(1);
    assertThat(cli.errors()).isEqualTo("tproc: no shared heap: ulimit -v\n");
    assertThat(cli.output()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"registry", "heap"})
  void anAnswerThatIsNone(String command) throws Exception {
    assertThat(run(heapUsed(0, use(7, 9, 0, 1, 64)), command, socket)).isEqualTo(125);
    assertThat(cli.errors()).startsWith("tproc: " + socket + ": an ");
  }

  @ParameterizedTest
  @CsvSource({
    "'', 15",
    "-9, 9",
    "-KILL, 9",
    "-SIGHUP, 1",
    "-hup, 1",
    "-stop, 19",
    "-0, 0",
    "-s 0, 0",
    "-s USR1, 10",
    "-s 64, 64",
    "--signal=sigrtmin+1, 35",
    "--signal RTMAX, 64"
  })
  void killUnderstandsSignalsAsKillDoes(String options, int signal) throws Exception {
    try (FakeHost host = new FakeHost(Path.of(socket), done(), done())) {
      String line = "kill " + options + " " + socket + " 41 42";
      assertThat(cli.run(line.split(" +"))).as(cli.errors()).isZero();
      assertThat(host.questions()).containsExactly(List.of(5, 41, signal), List.of(5, 42, signal));
      assertThat(cli.output()).isEmpty();
    }
  }

  @Test
  void killGoesOnAfterAFailureAndSaysSo() throws Exception {
    try (FakeHost host = new FakeHost(Path.of(socket), failed(3, "no threadproc 41"), done())) {
      assertThat(cli.run("kill", socket, "41", "42")).isEqualTo(1);
      assertThat(host.questions()).hasSize(2);
      assertThat(cli.errors()).isEqualTo("tproc: no threadproc 41\n");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "kill -s NONSENSE SOCKET 1",
        "kill -s 65 SOCKET 1",
        "kill -s RTMIN-1 SOCKET 1",
        "kill -65 SOCKET 1",
        "kill SOCKET",
        "kill SOCKET one",
        "kill",
        "kill SOCKET 1 abc",
        "kill SOCKET 0",
        "kill -- SOCKET -1",
        "ps SOCKET 1",
        "ps SOCKET x",
        "maps SOCKET 1 2",
        "wait SOCKET x",
        "wait -t soon SOCKET",
        "wait -t -1 SOCKET",
        "wait -t NaN SOCKET",
        "wait -t 1e10 SOCKET",
        "wait -t Infinity SOCKET",
        "maps SOCKET",
        "maps SOCKET x"
      })
  void wrongUseIsSaid(String line) {
    assertThat(cli.run(line.replace("SOCKET", socket).split(" "))).isEqualTo(125);
    assertThat(cli.errors()).startsWith("tproc: ");
    assertThat(cli.output()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"ps SOCKET", "maps SOCKET 1", "kill SOCKET 1"})
  void withoutAHostTheyFailWithOneLine(String line) {
    assertThat(cli.run(line.replace("SOCKET", socket).split(" "))).isEqualTo(125);
    assertThat(cli.errors())
        .isEqualTo("tproc: no host listens at " + socket + ": there is no such file\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {"FOO", "foo", "65", "SIGFOO"})
  void aSignalThatIsNoneIsNamed(String signal) {
    assertThat(cli.run("kill", "-" + signal, socket, "41")).isEqualTo(125);
    assertThat(cli.errors()).contains("there is no signal '" + signal + "'");
  }

  @Test
  void whatListensAndDoesNotAnswerIsSaidToDoSo() throws Exception {
    try (ServerSocketChannel silent = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      silent.bind(UnixDomainSocketAddress.of(socket));
      BlockingQueue<String> said = new LinkedBlockingQueue<>();
      Thread asking = new Thread(() -> ask(said), "ask");
      asking.start();
      assertThat(said.take()).isEqualTo(socket + ": no answer for 3 s; is the host stopped?");
      silent.close();
      asking.join();
    }
  }

  private void ask(BlockingQueue<String> said) {
    try (HostClient client = HostClient.connect(Path.of(socket), said::add)) {
      client.statuses();
    } catch (IOException ended) {
      // the test has closed the socket
    }
  }

  @Test
  void aWrongPidIsNamed() {
    cli.run("kill", socket, "41", "abc");
    assertThat(cli.errors()).startsWith("tproc: 'abc' is no process id\n");
  }

  @Test
  void waitReturnsWhenTheHostListens() throws Exception {
    assertThat(run(listed(0), "wait", socket)).isZero();
    assertThat(cli.errors()).isEmpty();
  }

  @Test
  void waitGivesUpInTime() {
    assertThat(cli.run("wait", "-t", "0.1", socket)).isEqualTo(1);
    assertThat(cli.errors()).startsWith("tproc: no host listens at " + socket);
  }

  @Test
  void waitDoesNotTakeOneThatIsStoppedForAHost() throws Exception {
    try (ServerSocketChannel stopped = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      stopped.bind(UnixDomainSocketAddress.of(socket)); // connected to, and never answered
      assertThat(cli.run("wait", "-t", "0.2", socket)).isEqualTo(1);
      assertThat(cli.errors()).startsWith("tproc: " + socket + ": no answer within 0.");
    }
  }

  @Test
  void waitIsOverWhenNoneOfTheProgramsRuns() throws Exception {
    byte[] answer =
        listed(
            2,
            threadproc(41, 0, ENDED, 0, strings("x")),
            threadproc(42, 0, RUNNING, 0, strings("y")));
    assertThat(run(answer, "wait", socket, "41")).isZero();
    assertThat(cli.errors()).isEmpty();
  }

  @Test
  void waitNamesWhatTheHostDoesNotKnow() throws Exception {
    byte[] answer = listed(1, threadproc(41, 0, ENDED, 0, strings("x")));
    assertThat(run(answer, "wait", socket, "41", "43")).isEqualTo(1);
    assertThat(cli.errors()).startsWith("tproc: no threadproc 43: ");
  }

  @Test
  void waitDoesNotBlameWhatAListHasNoRoomFor() throws Exception {
    byte[] answer = listed(7, threadproc(41, 0, ENDED, 0, strings("x")));
    assertThat(run(answer, "wait", socket, "41", "43")).isZero();
  }

  @Test
  void waitNamesTheProgramsThatStillRun() throws Exception {
    byte[] answer = listed(1, threadproc(42, 0, RUNNING, 0, strings("y")));
    assertThat(run(answer, "wait", "-t", "0", socket, "42")).isEqualTo(1);
    assertThat(cli.errors()).isEqualTo("tproc: still running: 42\n");
  }
}
