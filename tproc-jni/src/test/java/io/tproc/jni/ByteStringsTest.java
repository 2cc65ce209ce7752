package io.tproc.jni;

import static io.tproc.Errno.EINVAL;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.tproc.LaunchException;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ByteStringsTest {

  @Test
  void endsInNul() throws Exception {
    assertThat(ByteStrings.terminated("ab", "x")).containsExactly('a', 'b', 0);
    assertThat(ByteStrings.terminated("", "x")).containsExactly(0);
  }

  @Test
  void aBlockHoldsOneTextAfterTheOther() throws Exception {
    ByteArrayOutputStream block = new ByteArrayOutputStream();
    ByteStrings.append(block, ByteStrings.encode("a"), "x");
    ByteStrings.append(block, ByteStrings.encode(""), "x");
    ByteStrings.append(block, ByteStrings.encode("bc"), "x");

    assertThat(block.toByteArray()).containsExactly('a', 0, 0, 'b', 'c', 0);
  }

  @Test
  void refusesATextThatCWouldCut() {
    assertThatExceptionOfType(LaunchException.class)
        .isThrownBy(() -> ByteStrings.terminated("a\0b", "argument 2"))
        .withMessageContaining("argument 2")
        .withMessageContaining("NUL")
        .extracting(LaunchException::errno)
        .isEqualTo(EINVAL);
  }

  @Test
  void usesTheCharsetThatTheEnvironmentWasDecodedWith() {
    // Modified UTF-8, which JNI's own functions use, would make six bytes of this character.
    String outsideTheBasicPlane = "\uD83D\uDE00";
    assertThat(ByteStrings.encode(outsideTheBasicPlane))
        .isEqualTo(outsideTheBasicPlane.getBytes(ByteStrings.CHARSET));
    assertThat(ByteStrings.decode("x".getBytes(StandardCharsets.US_ASCII))).isEqualTo("x");
  }
}
