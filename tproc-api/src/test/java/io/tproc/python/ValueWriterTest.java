package io.tproc.python;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Against the format that tproc/calls.py describes. */
class ValueWriterTest {
  private static String hex(ValueWriter writer) {
    ByteBuffer bytes = writer.bytes();
    byte[] array = new byte[bytes.remaining()];
    bytes.get(array);
    return HexFormat.of().formatHex(array);
  }

  private static String written(@Nullable Object value) {
    ValueWriter writer = new ValueWriter();
    writer.value(value);
    return hex(writer);
  }

  private static String ascii(String text) {
    return HexFormat.of().formatHex(text.getBytes(StandardCharsets.US_ASCII));
  }

  @Test
  void constants() {
    assertThat(written(null)).isEqualTo(ascii("N"));
    assertThat(written(true)).isEqualTo(ascii("T"));
    assertThat(written(false)).isEqualTo(ascii("F"));
  }

  @Test
  void numbers() {
    assertThat(written(258)).isEqualTo(ascii("i") + "0201000000000000");
    assertThat(written((byte) -1)).isEqualTo(written(-1L)).isEqualTo(ascii("i") + "f".repeat(16));
    assertThat(written((short) 7)).isEqualTo(written(7));
    assertThat(written(1.0)).isEqualTo(written(1f)).isEqualTo(ascii("d") + "000000000000f03f");
    assertThat(written(Double.NaN)).isEqualTo(ascii("d") + "000000000000f87f");
    assertThat(written(BigInteger.ONE.shiftLeft(64)))
        .isEqualTo(ascii("I") + "09000000" + "010000000000000000");
    assertThat(written(BigInteger.valueOf(-1))).isEqualTo(ascii("I") + "01000000" + "ff");
  }

  @Test
  void texts() {
    assertThat(written("")).isEqualTo(ascii("s") + "00000000");
    assertThat(written("a\u00e9\ud83d\ude00"))
        .isEqualTo(ascii("s") + "07000000" + "61c3a9f09f9880");
    assertThat(written("\ud800x")).isEqualTo(ascii("u") + "04000000" + "00d87800");
    assertThat(written(new byte[] {1, -1})).isEqualTo(ascii("b") + "02000000" + "01ff");
  }

  @Test
  void containers() {
    assertThat(written(Arrays.asList(null, List.of(true))))
        .isEqualTo(ascii("l") + "02000000" + ascii("Nl") + "01000000" + ascii("T"));
    assertThat(written(Collections.singletonMap(null, "v")))
        .isEqualTo(ascii("m") + "01000000" + ascii("Ns") + "01000000" + ascii("v"));
    assertThat(written(Map.of())).isEqualTo(ascii("m") + "00000000");
  }

  @Test
  void buffers() {
    ByteBuffer buffer = ByteBuffer.allocateDirect(8).position(2);
    ValueWriter writer = new ValueWriter();
    writer.value(List.of(buffer, buffer.asReadOnlyBuffer()));
    String index = ascii("v") + "00000000" + "00";
    assertThat(hex(writer)).isEqualTo(ascii("l") + "02000000" + index + ascii("v") + "0100000001");
    assertThat(writer.memories()).hasSize(2);
    assertThat(writer.memories().get(0).size()).isEqualTo(6);
    assertThat(writer.memories().get(0).part(0, 6)).isSameAs(buffer);
    assertThat(writer.memories().get(1).isReadOnly()).isTrue();
    assertThat(buffer.position()).isEqualTo(2);
  }

  @Test
  void aCall() {
    ValueWriter writer = new ValueWriter();
    Map<String, @Nullable Object> keywords = new LinkedHashMap<>();
    keywords.put("k", null);
    writer.call("m", "f", new @Nullable Object[] {true}, keywords);
    String strings = ascii("s") + "01000000" + ascii("ms") + "01000000" + ascii("f");
    String arguments = ascii("l") + "01000000" + ascii("T");
    String named = ascii("m") + "01000000" + ascii("s") + "01000000" + ascii("kN");
    assertThat(hex(writer)).isEqualTo(ascii("l") + "04000000" + strings + arguments + named);
  }

  @Test
  void muchIsWrittenAsItIs() {
    byte[] large = new byte[1_000_000];
    Arrays.fill(large, (byte) 3);
    ValueWriter writer = new ValueWriter();
    writer.value(List.of(large, "end"));
    assertThat(writer.bytes().remaining()).isEqualTo(5 + 5 + large.length + 5 + 3);
  }

  private static void assertRefused(@Nullable Object argument, String message) {
    assertRefused(new ValueWriter(), argument, message);
  }

  private static void assertRefused(ValueWriter writer, @Nullable Object argument, String message) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> writer.call("m", "f", new @Nullable Object[] {1, argument}, Map.of()))
        .withMessageContaining(message);
  }

  @Test
  void whatCannotGoIsNamed() {
    assertRefused(Set.of(), "argument 2: a java.util.ImmutableCollections");
    assertRefused(List.of(0, Map.of("k", new int[0])), "argument 2[1][k]: a int[] cannot go");
    assertRefused(BigDecimal.ONE, "argument 2: a java.math.BigDecimal cannot go to Python");
    assertRefused('c', "argument 2: a java.lang.Character");
    assertRefused(ByteBuffer.allocate(1), "argument 2: a buffer that is not direct");
    assertRefused(Map.of(List.of(1), 2), "argument 2[[1]]: a key that is neither");
    ValueWriter writer = new ValueWriter();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> writer.call("m", "f", new @Nullable Object[0], Map.of("k", Set.of())))
        .withMessageStartingWith("argument k: ");
  }

  private static Object nested(int depth) {
    Object value = "inside";
    for (int i = 0; i < depth; i++) {
      value = List.of(value);
    }
    return value;
  }

  @Test
  void depthIsLimited() {
    new ValueWriter().call("m", "f", new @Nullable Object[] {nested(100)}, Map.of());
    assertRefused(nested(101), "deeper than 100");
    List<Object> itself = new ArrayList<>();
    itself.add(itself);
    assertRefused(itself, "argument 2[0][0]");
  }

  @Test
  void sizeIsLimited() {
    byte[] large = new byte[1 << 10];
    assertRefused(
        new ValueWriter(1 << 20), Collections.nCopies(1024, large), "[1018]: more than 1 MiB");
    assertThat(ValueWriter.SIZE_MAX).isEqualTo(1 << 30);
  }

  @Test
  void aFunctionNeedsANameForItsNullArgument() {
    assertThatNullPointerException()
        .isThrownBy(
            () ->
                new PythonFunction(PythonPoolBuilderTest.pool(), "m", "f")
                    .trySubmit((Object[]) null))
        .withMessageContaining("(Object) null");
  }
}
