package io.tproc.python;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ValueReaderTest {
  private static final ByteBuffer BUFFER = ByteBuffer.allocateDirect(16);

  private static @Nullable Object read(ByteBuffer bytes) {
    return new ValueReader(bytes, List.of(new Memory.Direct(BUFFER))).whole();
  }

  /** A letter, then bytes in hexadecimal. */
  private static ByteBuffer bytes(String... parts) {
    ByteBuffer bytes = ByteBuffer.allocate(1000);
    for (String part : parts) {
      bytes.put((byte) part.charAt(0)).put(HexFormat.of().parseHex(part.substring(1)));
    }
    return bytes.flip();
  }

  @Test
  void whatTheWriterWrites() {
    Map<@Nullable Object, @Nullable Object> map = new LinkedHashMap<>();
    map.put(null, true);
    map.put("k", List.of());
    map.put(5L, "\ud800 alone");
    List<@Nullable Object> values =
        Arrays.asList(
            null,
            false,
            Long.MIN_VALUE,
            BigInteger.TEN.pow(1000),
            -0.0,
            "a\u00e9\ud83d\ude00",
            map);
    ValueWriter writer = new ValueWriter();
    writer.value(values);
    assertThat(read(writer.bytes())).isEqualTo(values);
  }

  @Test
  void memoryIsTheCallers() {
    String where = "v00000000";
    assertThat(read(bytes(where + "0000000000000000" + "1000000000000000"))).isSameAs(BUFFER);
    BUFFER.order(ByteOrder.nativeOrder()).put(4, (byte) 9);
    ByteBuffer part = (ByteBuffer) read(bytes(where + "0400000000000000" + "0200000000000000"));
    assertThat(part.remaining()).isEqualTo(2);
    assertThat(part.get(0)).isEqualTo((byte) 9);
    assertThat(part.isDirect()).isTrue();
    ByteBuffer none = (ByteBuffer) read(bytes(where + "1000000000000000" + "0000000000000000"));
    assertThat(none.remaining()).isZero();
  }

  @Test
  void aPartKeepsTheOrderOfBytes() {
    ByteBuffer little = ByteBuffer.allocateDirect(4).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer part = (ByteBuffer) new Memory.Direct(little).part(1, 2);
    assertThat(part.order()).isEqualTo(ByteOrder.LITTLE_ENDIAN);
  }

  private static void assertNonsense(String message, String... parts) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> read(bytes(parts)))
        .withMessageContaining(message);
  }

  @Test
  void nonsense() {
    assertNonsense("1 bytes at 0 of 0");
    assertNonsense("no value begins with 120", "x");
    assertNonsense("1 bytes too many", "N", "N");
    assertNonsense("8 bytes at 1 of 8", "i00000000000000");
    assertNonsense("4294967295 bytes", "bffffffff");
    assertNonsense("5 bytes at 5 of 7", "s05000000", "N00");
    assertNonsense("not UTF-8", "s02000000c328");
    assertNonsense("half a character", "u01000000c3");
    assertNonsense("no bytes", "I00000000");
    assertNonsense("4294967295 values in 1 bytes", "lffffffff", "N");
    assertNonsense("1 bytes at", "m01000000", "N");
    assertNonsense("buffer 1 of 1", "v01000000" + "0".repeat(32));
    assertNonsense("17 bytes at 0", "v00000000" + "0".repeat(16) + "1100000000000000");
    assertNonsense("of a buffer of 16", "v00000000" + "ffffffffffffff7f" + "0100000000000000");
    assertNonsense("of a buffer of 16", "v00000000" + "ffffffffffffffff" + "0100000000000000");
    String[] deep = new String[200];
    Arrays.fill(deep, "l01000000");
    assertNonsense("deeper than 100", deep);
  }

  /** Nothing but a value or the one exception comes of bytes that a wild write has hit. */
  @Test
  void anyBytes() {
    Random random = new Random(1);
    ValueWriter writer = new ValueWriter();
    writer.value(List.of("text", List.of(1, 2.5, Map.of("k", BUFFER)), new byte[] {1, 2}));
    for (int i = 0; i < 20_000; i++) {
      byte[] changed = new byte[writer.bytes().remaining()];
      writer.bytes().get(changed);
      for (int j = random.nextInt(4); j >= 0; j--) {
        changed[random.nextInt(changed.length)] = (byte) random.nextInt();
      }
      Throwable thrown = catchThrowable(() -> read(ByteBuffer.wrap(changed)));
      assertThat(thrown == null || thrown instanceof IllegalArgumentException)
          .as("%s: %s", HexFormat.of().formatHex(changed), thrown)
          .isTrue();
    }
  }
}
