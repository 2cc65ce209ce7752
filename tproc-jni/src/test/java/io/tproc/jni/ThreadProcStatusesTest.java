package io.tproc.jni;

import static org.assertj.core.api.Assertions.assertThat;

import io.tproc.ThreadProcStatus;
import io.tproc.ThreadProcStatus.State;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class ThreadProcStatusesTest {
  private static List<ThreadProcStatus> read(long[] numbers, String... commands) {
    byte[][] bytes = new byte[commands.length][];
    for (int i = 0; i < commands.length; i++) {
      bytes[i] = commands[i].getBytes(StandardCharsets.UTF_8);
    }
    return ThreadProcStatuses.read(new Object[] {numbers, bytes});
  }

  private static List<String> command(String bytes) {
    return read(new long[] {1, 0, 0, 1, 0, 0, 0, 0, 0}, bytes).get(0).command();
  }

  @Test
  void theOldestComesFirst() {
    long[] numbers = {
      12,
      11,
      1000,
      2,
      1_700_000_000_123_456_789L,
      5_000_000_000L,
      8192,
      4096,
      1, //
      10,
      0,
      0,
      3,
      1_700_000_000_000_000_000L,
      7,
      0,
      0,
      0
    };

    assertThat(read(numbers, "sleep\0006", "true\000"))
        .containsExactly(
            new ThreadProcStatus(
                10,
                false,
                OptionalLong.empty(),
                0,
                State.ENDED,
                Instant.ofEpochSecond(1_700_000_000),
                Duration.ofNanos(7),
                0,
                0,
                List.of("true"),
                false),
            new ThreadProcStatus(
                12,
                true,
                OptionalLong.of(11),
                1000,
                State.STOPPED,
                Instant.ofEpochSecond(1_700_000_000, 123_456_789),
                Duration.ofSeconds(5),
                8192,
                4096,
                List.of("sleep", "6"),
                true));
  }

  @Test
  void aLauncherMayHaveNoPidHere() {
    ThreadProcStatus status = read(new long[] {1, -1, 0, 1, 0, 0, 0, 0, 0}, "a\000").get(0);

    assertThat(status.launched()).isTrue();
    assertThat(status.launcher()).isEmpty();
  }

  @Test
  void argumentsMayBeEmptyOrCut() {
    assertThat(command("")).isEmpty();
    assertThat(command("a\000")).containsExactly("a");
    assertThat(command("\000")).containsExactly("");
    assertThat(command("a\000\000b\000")).containsExactly("a", "", "b");
    assertThat(command("a\000b")).containsExactly("a", "b");
  }
}
