package io.tproc.cli.client;

import static io.tproc.cli.client.FakeHost.done;
import static io.tproc.cli.client.FakeHost.failed;
import static io.tproc.cli.client.FakeHost.frame;
import static io.tproc.cli.client.FakeHost.header;
import static io.tproc.cli.client.FakeHost.list;
import static io.tproc.cli.client.FakeHost.listed;
import static io.tproc.cli.client.FakeHost.mapped;
import static io.tproc.cli.client.FakeHost.mapping;
import static io.tproc.cli.client.FakeHost.strings;
import static io.tproc.cli.client.FakeHost.threadproc;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIOException;

import io.tproc.MemoryMapping;
import io.tproc.ThreadProcStatus;
import io.tproc.ThreadProcStatus.State;
import io.tproc.spi.Listing;
import java.net.ProtocolException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(60)
class HostClientTest {
  @TempDir Path directory;
  private Path socket;

  @BeforeEach
  void name() {
    socket = directory.resolve("s");
  }

  @Test
  void listsThreadprocs() throws Exception {
    byte[] answer =
        listed(
            3,
            threadproc(41, 0, 1, 0, strings("/bin/true", "a b")),
            threadproc(42, 7, 2, 1, strings("x\377y")),
            threadproc(43, 7, 3, 0, new byte[0]));
    try (FakeHost host = new FakeHost(socket, answer);
        HostClient client = HostClient.connect(socket)) {
      Listing<ThreadProcStatus> list = client.statuses();

      assertThat(host.questions()).containsExactly(List.of(FrameType.LIST));
      assertThat(list.total()).isEqualTo(3);
      assertThat(list.items())
          .extracting(ThreadProcStatus::state)
          .containsExactly(State.RUNNING, State.STOPPED, State.ENDED);
      assertThat(list.items().get(0))
          .isEqualTo(
              new ThreadProcStatus(
                  41,
                  false,
                  OptionalLong.empty(),
                  4294967294L,
                  State.RUNNING,
                  Instant.ofEpochSecond(1),
                  Duration.ofNanos(61_000_000_007L),
                  5L << 30,
                  1536,
                  List.of("/bin/true", "a b"),
                  2,
                  false));
      assertThat(list.items().get(1).command()).as("not UTF-8").containsExactly("x\ufffdy");
      assertThat(list.items().get(1).commandCut()).isTrue();
      assertThat(list.items().get(2).command()).isEmpty();
    }
  }

  @Test
  void listsMappings() throws Exception {
    byte[] answer =
        mapped(
            9,
            mapping(0x7000_0000_0000L, 4096, 1 | 4, strings("/lib/libc.so.6")),
            mapping(0x7000_0000_1000L, 1L << 35, 2 | 8, strings("")));
    try (FakeHost host = new FakeHost(socket, answer);
        HostClient client = HostClient.connect(socket)) {
      Listing<MemoryMapping> list = client.mappings(42);

      assertThat(host.questions()).containsExactly(List.of(FrameType.MAPS, 42));
      assertThat(list.total()).isEqualTo(9);
      assertThat(list.items())
          .extracting(MemoryMapping::permissions)
          .containsExactly("r-xp", "-w-s");
      assertThat(list.items().get(1).size()).isEqualTo(1L << 35);
      assertThat(list.items().get(0).name()).isEqualTo("/lib/libc.so.6");
    }
  }

  @Test
  void sendsSignalsAndGoesOnAfterARefusal() throws Exception {
    try (FakeHost host = new FakeHost(socket, failed(3, "no threadproc 9 here"), done());
        HostClient client = HostClient.connect(socket)) {
      assertThatExceptionOfType(RefusedException.class)
          .isThrownBy(() -> client.signal(9, 15))
          .withMessage("no threadproc 9 here")
          .extracting(RefusedException::errno)
          .isEqualTo(3);
      client.signal(10, 64);

      assertThat(host.questions())
          .containsExactly(List.of(FrameType.SIGNAL, 9, 15), List.of(FrameType.SIGNAL, 10, 64));
    }
  }

  @Test
  void aLargeAnswerArrivesWhole() throws Exception {
    byte[][] entries = new byte[20_000][];
    Arrays.setAll(entries, i -> threadproc(i, 1, 1, 0, strings("program " + i)));
    try (FakeHost host = new FakeHost(socket, listed(entries.length, entries));
        HostClient client = HostClient.connect(socket)) {
      List<ThreadProcStatus> items = client.statuses().items();

      assertThat(items).hasSize(entries.length);
      assertThat(items.get(19_999).command()).containsExactly("program 19999");
    }
  }

  @Test
  void aPathTooLongForTheKernelIsReachedAllTheSame() throws Exception {
    Path deep =
        Files.createDirectories(directory.resolve("d".repeat(100)).resolve("e".repeat(100)));
    Path there = deep.resolve("s");
    List<Path> before = temporaryFiles();
    try (FakeHost host = new FakeHost(socket, done())) {
      Files.createSymbolicLink(there, socket);
      try (HostClient client = HostClient.connect(there)) {
        client.signal(1, 1);
      }
      assertThat(host.questions()).hasSize(1);
    }
    assertThat(temporaryFiles()).isEqualTo(before);
  }

  private static List<Path> temporaryFiles() throws Exception {
    try (Stream<Path> all = Files.list(Path.of(System.getProperty("java.io.tmpdir")))) {
      return all.filter(
              path -> path.getFileName().toString().matches("tproc[0-9]+") && isOurs(path))
          .sorted()
          .toList();
    }
  }

  private static boolean isOurs(Path path) {
    return Files.exists(path.resolve("s"));
  }

  @Test
  void nothingIsThere() {
    assertThatIOException()
        .isThrownBy(() -> HostClient.connect(socket))
        .withMessage("no host listens at " + socket + ": there is no such file");
  }

  @Test
  void somethingElseIsThere() throws Exception {
    Files.createFile(socket);

    assertThatIOException()
        .isThrownBy(() -> HostClient.connect(socket))
        .withMessage("no host listens at " + socket + ": this is not a socket");
  }

  @Test
  void itsHostHasBeenKilled() throws Exception {
    try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(socket));
    }

    assertThatIOException()
        .isThrownBy(() -> HostClient.connect(socket))
        .withMessageContaining("it is gone, and has left the socket behind");
  }

  @Test
  void whoDoesNotAnswerIsNotWaitedForForEver() throws Exception {
    try (ServerSocketChannel silent = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      silent.bind(UnixDomainSocketAddress.of(socket));
      try (HostClient client = HostClient.connect(socket, Duration.ofMillis(50))) {
        assertThatIOException()
            .isThrownBy(client::statuses)
            .withMessageContaining(socket + ": no answer within");
      }
    }
  }

  static Stream<Arguments> brokenAnswers() {
    byte[] entry = threadproc(1, 1, 1, 0, strings("x"));
    return Stream.of(
        Arguments.of("no tproc host", "HTTP/1.1 400 Bad Request".getBytes()),
        Arguments.of("version 2 ", header(Frame.MAGIC, 2, FrameType.LISTED, 0, 0)),
        Arguments.of("4294967295 bytes", header(Frame.MAGIC, 1, FrameType.LISTED, -1, 0)),
        Arguments.of("8388609 bytes", header(Frame.MAGIC, 1, FrameType.LISTED, (8 << 20) + 1, 0)),
        Arguments.of("with descriptors", header(Frame.MAGIC, 1, FrameType.LISTED, 8, 1)),
        Arguments.of("closed without", new byte[0]),
        Arguments.of("closed without", new byte[] {1, 2, 3}),
        Arguments.of("closed without", header(Frame.MAGIC, 1, FrameType.LISTED, 8 << 20, 0)),
        Arguments.of("answer of type 106", mapped(0)),
        Arguments.of("answer of type 999", frame(999, new byte[0])),
        Arguments.of("refusal of 7 bytes", frame(FrameType.FAILED, new byte[7])),
        Arguments.of("list of 7 bytes", frame(FrameType.LISTED, new byte[7])),
        Arguments.of("says it has 2 of 2", list(FrameType.LISTED, 2, 2, entry)),
        Arguments.of("says it has 1 of 0", list(FrameType.LISTED, 0, 1, entry)),
        Arguments.of("says it has 4294967295", list(FrameType.LISTED, -1, -1, entry)),
        Arguments.of(
            "middle of an entry", list(FrameType.LISTED, 2, 2, entry, Arrays.copyOf(entry, 8))),
        Arguments.of("entry of 0 bytes", listed(1, changed(entry, 0, 0))),
        Arguments.of("entry of 68 bytes", listed(1, changed(entry, 0, 68))),
        Arguments.of("entry of 80 bytes", listed(1, changed(entry, 0, 80))),
        Arguments.of("entry of 4294967288 bytes", listed(1, changed(entry, 0, -8))),
        Arguments.of("text of 9 bytes", listed(1, changed(entry, 28, 9))),
        Arguments.of("text of 4294967295 bytes", listed(1, changed(entry, 28, -1))),
        Arguments.of("command that does not end", listed(1, changed(entry, 28, 1))),
        Arguments.of("in state 0", listed(1, changed(entry, 16, 0))),
        Arguments.of("in state 4294967295", listed(1, changed(entry, 16, -1))));
  }

  private static byte[] changed(byte[] entry, int at, int value) {
    byte[] changed = entry.clone();
    ByteBuffer.wrap(changed).order(ByteOrder.nativeOrder()).putInt(at, value);
    return changed;
  }

  @ParameterizedTest
  @MethodSource("brokenAnswers")
  void aBrokenAnswerIsSaidAndNothingElse(String problem, byte[] answer) throws Exception {
    try (FakeHost host = new FakeHost(socket, answer);
        HostClient client = HostClient.connect(socket)) {
      assertThatExceptionOfType(ProtocolException.class)
          .isThrownBy(client::statuses)
          .withMessageContaining(problem)
          .withMessageStartingWith(socket.toString());
      assertThat(host.questions()).hasSize(1);
    }
  }
}
