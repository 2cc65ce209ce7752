package io.tproc.cli.client;

import static io.tproc.cli.client.FakeHost.done;
import static io.tproc.cli.client.FakeHost.failed;
import static io.tproc.cli.client.FakeHost.frame;
import static io.tproc.cli.client.FakeHost.list;
import static io.tproc.cli.client.FakeHost.strings;
import static io.tproc.cli.client.FakeHost.threadproc;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tproc.Errno;
import io.tproc.ExitStatus;
import io.tproc.cli.client.ProgramEvent.Crashed;
import io.tproc.cli.client.ProgramEvent.Ended;
import io.tproc.cli.client.ProgramEvent.Leaving;
import io.tproc.cli.client.ProgramEvent.Left;
import io.tproc.cli.client.ProgramEvent.Started;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a host tells who watches it. */
@Timeout(60)
class WatchTest {
  @TempDir Path directory;
  private int hosts;

  private interface Use {
    void of(HostClient client) throws IOException;
  }

  /** Watches a host that says that it may be, and then this. */
  private void watching(Use use, byte[]... news) throws Exception {
    Path socket = directory.resolve("s" + hosts++);
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    all.write(done());
    for (byte[] each : news) {
      all.write(each);
    }
    try (FakeHost host = new FakeHost(socket, all.toByteArray());
        HostClient client = HostClient.connect(socket)) {
      client.watch();
      use.of(client);
      assertThat(host.questions()).containsExactly(List.of(FrameType.WATCH, 3));
    }
  }

  private static byte[] end(int kind, int status) {
    return frame(
        FrameType.PROGRAM_ENDED,
        ByteBuffer.allocate(32)
            .order(ByteOrder.nativeOrder())
            .putInt(41)
            .putInt(kind)
            .putInt(status)
            .putInt(0)
            .putLong(1_002_000_000L)
            .putLong(5)
            .array());
  }

  /** A struct wire_crashed or wire_program_left. */
  private static byte[] news(int type, int second, String text) {
    byte[] more = text.getBytes(StandardCharsets.UTF_8);
    return frame(
        type,
        ByteBuffer.allocate(16 + more.length)
            .order(ByteOrder.nativeOrder())
            .putInt(41)
            .putInt(second)
            .putLong(1_002_000_000L)
            .put(more)
            .array());
  }

  @Test
  void crashes() throws Exception {
    Instant time = Instant.ofEpochSecond(1, 2_000_000);
    watching(
        client -> {
          assertThat(client.nextEvent()).contains(new Crashed(41, "where", "rip=0x1", time));
          assertThat(client.nextEvent()).contains(new Crashed(41, "where", "", time));
          assertThatThrownBy(client::nextEvent).hasMessageContaining("a crash in 16 bytes");
        },
        news(FrameType.CRASHED, 0, "where\nrip=0x1"),
        news(FrameType.CRASHED, 0, "where"),
        news(FrameType.CRASHED, 0, ""));
  }

  @Test
  void whoLeaves() throws Exception {
    Instant time = Instant.ofEpochSecond(1, 2_000_000);
    watching(
        client -> {
          assertThat(client.nextEvent()).contains(new Left(41, Leaving.LEFT, time));
          assertThat(client.nextEvent()).contains(new Left(41, Leaving.REFUSED, time));
          assertThat(client.nextEvent()).contains(new Left(41, Leaving.AT_START, time));
          assertThatThrownBy(client::nextEvent).hasMessageContaining("a leave of kind 4");
        },
        news(FrameType.PROGRAM_LEFT, 1, ""),
        news(FrameType.PROGRAM_LEFT, 2, ""),
        news(FrameType.PROGRAM_LEFT, 3, ""),
        news(FrameType.PROGRAM_LEFT, 4, ""));
    watching(
        client -> assertThatThrownBy(client::nextEvent).hasMessageContaining("a leave in 17 bytes"),
        news(FrameType.PROGRAM_LEFT, 1, "x"));
  }

  @Test
  void startsAndEnds() throws Exception {
    watching(
        client -> {
          ProgramEvent event = client.nextEvent().orElseThrow();
          assertThat(event).isInstanceOf(Started.class);
          assertThat(((Started) event).status().pid()).isEqualTo(41);
          assertThat(((Started) event).status().command()).containsExactly("x", "y");
          assertThat(client.nextEvent())
              .contains(
                  new Ended(
                      41,
                      Optional.of(new ExitStatus.Exited(7)),
                      Instant.ofEpochSecond(1, 2_000_000),
                      Duration.ofNanos(5)));
          assertThat(client.nextEvent().map(each -> ((Ended) each).status()))
              .contains(Optional.of(new ExitStatus.Signalled(11, true)));
          assertThat(client.nextEvent().map(each -> ((Ended) each).status()))
              .contains(Optional.empty());
          assertThat(client.nextEvent()).as("the host has hung up").isEmpty();
        },
        list(FrameType.PROGRAM_STARTED, 1, 1, threadproc(41, 7, 1, 0, strings("x", "y"))),
        end(1, 7),
        end(3, 11),
        end(0, 0));
  }

  @Test
  void aHostThatEnds() throws Exception {
    watching(
        client ->
            assertThatThrownBy(client::nextEvent)
                .isInstanceOf(HostGoneException.class)
                .hasMessageContaining("bye"),
        failed(Errno.ESHUTDOWN, "bye"));
  }

  @ParameterizedTest
  @CsvSource({"1,256", "1,-1", "2,0", "2,65", "4,1"})
  void anEndThatCannotBe(int kind, int status) throws Exception {
    watching(
        client ->
            assertThatThrownBy(client::nextEvent)
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("an end of kind " + kind + " with status " + status),
        end(kind, status));
  }

  @Test
  void otherNews() throws Exception {
    watching(
        client -> assertThatThrownBy(client::nextEvent).hasMessageContaining("news of type " + 107),
        done());
    watching(
        client -> assertThatThrownBy(client::nextEvent).hasMessageContaining("in 3 bytes"),
        frame(FrameType.PROGRAM_ENDED, new byte[3]));
    watching(
        client -> assertThatThrownBy(client::nextEvent).hasMessageContaining("of 0 programs"),
        list(FrameType.PROGRAM_STARTED, 0, 0));
  }
}
