package io.tproc.spi;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.tproc.ExitStatus.Signalled;
import io.tproc.MemoryMapping;
import io.tproc.ThreadProcStatus;
import io.tproc.ThreadProcStatus.State;
import io.tproc.share.HeapUsage;
import io.tproc.share.Registration;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ListingTest {
  private static final int LAUNCHER_AT = 8 + 8;

  private static ByteBuffer buffer(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.nativeOrder());
  }

  private static ByteBuffer list(int total, byte[]... entries) {
    ByteBuffer payload = buffer(1 << 16).putInt(total).putInt(entries.length);
    for (byte[] each : entries) {
      payload.put(each);
    }
    return payload.flip();
  }

  /** As the core writes it: each character of the text a byte. */
  private static byte[] threadproc(int pid, int launcher, int state, int flags, String command) {
    int size = StatusEntry.FIXED_SIZE + (command.length() + 7) / 8 * 8;
    return buffer(size)
        .putInt(size)
        .putInt(pid)
        .putInt(launcher)
        .putInt(1000)
        .putInt(state)
        .putInt(flags)
        .putInt(3)
        .putInt(command.length())
        .putLong(1_700_000_000_123_456_789L)
        .putLong(5_000_000_000L)
        .putLong(8192)
        .putLong(4096)
        .put(command.getBytes(ISO_8859_1))
        .array();
  }

  private static byte[] mapping(int permissions, String name) {
    int size = MappingEntry.FIXED_SIZE + (name.length() + 7) / 8 * 8;
    return buffer(size)
        .putInt(size)
        .putInt(permissions)
        .putInt(name.length())
        .putInt(0)
        .putLong(0x7000_0000_0000L)
        .putLong(1L << 35)
        .put(name.getBytes(ISO_8859_1))
        .array();
  }

  private static List<String> command(String bytes) throws ProtocolException {
    return Listing.statuses(list(1, threadproc(1, 0, 1, 0, bytes)), UTF_8).items().get(0).command();
  }

  @Test
  void decodesStatuses() throws Exception {
    ByteBuffer payload =
        list(3, threadproc(12, 11, 2, 1, "sleep\0006\000"), threadproc(10, 0, 3, 0, "true\000"));
    Listing<ThreadProcStatus> list = Listing.statuses(payload, UTF_8);

    assertThat(list.total()).isEqualTo(3);
    assertThat(list.items())
        .extracting(ThreadProcStatus::state)
        .containsExactly(State.STOPPED, State.ENDED);
    assertThat(list.items().get(0))
        .isEqualTo(
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
                3,
                true));
    assertThat(list.items().get(1).launched()).isFalse();
    assertThat(list.items().get(1).commandCut()).isFalse();
    assertThat(payload.position()).as("not changed").isZero();
  }

  @Test
  void aLauncherMayHaveNoPidHere() throws Exception {
    ByteBuffer payload = list(1, threadproc(1, -1, 1, 0, "a\000"));
    ThreadProcStatus status = Listing.statuses(payload, UTF_8).items().get(0);

    assertThat(payload.getInt(LAUNCHER_AT)).isEqualTo(-1);
    assertThat(status.launched()).isTrue();
    assertThat(status.launcher()).isEmpty();
  }

  @Test
  void argumentsMayBeEmpty() throws Exception {
    assertThat(command("")).isEmpty();
    assertThat(command("a\000")).containsExactly("a");
    assertThat(command("\000")).containsExactly("");
    assertThat(command("a\000\000b\000")).containsExactly("a", "", "b");
  }

  @Test
  void textsHaveTheGivenCharset() throws Exception {
    assertThat(command("x\377\000")).containsExactly("x\ufffd");
    ByteBuffer payload = list(1, mapping(1, "/\351\000"));
    assertThat(Listing.mappings(payload, ISO_8859_1).items().get(0).name()).isEqualTo("/\351");
    assertThat(Listing.mappings(payload, UTF_8).items().get(0).name()).isEqualTo("/\ufffd");
  }

  @Test
  void decodesMappings() throws Exception {
    ByteBuffer payload = list(2, mapping(1 | 4, "/lib/libc.so.6\000"), mapping(2 | 8, "\000"));
    Listing<MemoryMapping> list = Listing.mappings(payload, UTF_8);

    assertThat(list.items()).extracting(MemoryMapping::permissions).containsExactly("r-xp", "-w-s");
    assertThat(list.items().get(0)).hasToString("700000000000-700800000000 r-xp /lib/libc.so.6");
    assertThat(list.items().get(1).name()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"'', does not end", "x, does not end"})
  void aNameEnds(String name, String problem) {
    assertThatExceptionOfType(ProtocolException.class)
        .isThrownBy(() -> Listing.mappings(list(1, mapping(1, name)), UTF_8))
        .withMessageContaining(problem);
  }

  @Test
  void aCommandEnds() {
    assertThatExceptionOfType(ProtocolException.class)
        .isThrownBy(() -> command("a\000b"))
        .withMessage("a command that does not end");
  }

  /** Any bytes at all: a list, or this exception. */
  @Test
  void anyPayloadIsAListOrAProtocolException() {
    ByteBuffer good =
        list(
            2,
            threadproc(1, 1, 1, 0, "x\000y\000"),
            threadproc(2, 1, 1, 0, "a rather long argument\000"));
    Random random = new Random(5);
    int refused = 0;
    for (int round = 0; round < 20_000; round++) {
      ByteBuffer damaged = buffer(good.limit()).put(good.duplicate()).flip();
      for (int i = random.nextInt(4); i >= 0; i--) {
        damaged.put(random.nextInt(damaged.limit()), (byte) random.nextInt());
      }
      try {
        assertThat(Listing.statuses(damaged, UTF_8).items()).hasSize(2);
      } catch (ProtocolException expected) {
        assertThat(expected).hasMessageContaining("a");
        refused++;
      }
    }
    assertThat(refused).isPositive();
  }

  private static ByteBuffer fields(int ended, int status) {
    return buffer(192)
        .putLong(0, 17)
        .putLong(8, 0x7000_0000_0000L)
        .putLong(16, 1L << 33)
        .putInt(24, 3)
        .putInt(28, 41)
        .putInt(32, 1)
        .putInt(36, ended)
        .putInt(40, status)
        .put(44, "n\351".getBytes(ISO_8859_1))
        .put(140, "t".repeat(47).getBytes(ISO_8859_1));
  }

  private static byte[] registered(int ended, int status) {
    return buffer(200).putInt(200).putInt(0).put(fields(ended, status)).array();
  }

  @Test
  void decodesRegistrations() throws Exception {
    Listing<Registration> list =
        Listing.registrations(list(5, registered(0, 0), registered(1, 256 + 11)), UTF_8);

    Registration first = list.items().get(0);
    assertThat(list.total()).isEqualTo(5);
    assertThat(first)
        .isEqualTo(
            new Registration(
                17,
                "n\ufffd",
                "t".repeat(47),
                0x7000_0000_0000L,
                1L << 33,
                3,
                41,
                true,
                Optional.empty()));
    assertThat(list.items().get(1).ended()).contains(new Signalled(11, false));
    assertThat(Listing.registration(fields(0, 0), UTF_8)).isEqualTo(first);
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 256, 256 + 65})
  void refusesAnEndThatIsNone(int status) {
    assertThatExceptionOfType(ProtocolException.class)
        .isThrownBy(() -> Listing.registration(fields(1, status), UTF_8))
        .withMessage("a publication whose process ended with " + status);
  }

  @Test
  void refusesAPublicationThatIsCut() {
    assertThatExceptionOfType(ProtocolException.class)
        .isThrownBy(() -> Listing.registration(fields(0, 0).limit(191), UTF_8))
        .withMessage("a publication of 191 bytes");
  }

  private static ByteBuffer heap(int owner) {
    return buffer(72)
        .putLong(1 << 20)
        .putLong(1 << 16)
        .putLong(4096)
        .putInt(1)
        .putInt(1)
        .putInt(32)
        .putInt(41)
        .putInt(owner)
        .putInt(1)
        .putLong(2)
        .putLong(96)
        .flip();
  }

  @Test
  void decodesTheUsageOfAHeap() throws Exception {
    assertThat(Listing.heapUsage(heap(3)))
        .isEqualTo(
            new HeapUsage(
                1 << 20,
                1 << 16,
                4096,
                List.of(new HeapUsage.Use(HeapUsage.Owner.PROCESS, 41, true, 2, 96, 0))));
  }

  @Test
  void decodesALimit() throws Exception {
    ByteBuffer entry = heap(3);
    entry.putInt(32, 40);
    entry.limit(72).putLong(64, 1 << 19);
    assertThat(Listing.heapUsage(entry).uses())
        .containsExactly(new HeapUsage.Use(HeapUsage.Owner.PROCESS, 41, true, 2, 96, 1 << 19));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 4, -1})
  void refusesAnOwnerOfAnUnknownKind(int owner) {
    assertThatExceptionOfType(ProtocolException.class)
        .isThrownBy(() -> Listing.heapUsage(heap(owner)))
        .withMessage("an owner of a kind that is unknown: " + owner);
  }

  @Test
  void refusesAHeapThatIsCut() {
    for (int size = 0; size < 64; size++) {
      ByteBuffer cut = heap(3).limit(size);
      assertThatExceptionOfType(ProtocolException.class).isThrownBy(() -> Listing.heapUsage(cut));
    }
  }
}
