package io.tproc.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

/** Against the layout that tproc_worker_abi.h gives. */
class WireTest {
  private static ByteBuffer message(int kind, int flags, int code, int size) {
    return ByteBuffer.allocate(48)
        .order(ByteOrder.nativeOrder())
        .putLong(0, 77)
        .putShort(8, (short) kind)
        .putShort(10, (short) flags)
        .putInt(12, code)
        .putInt(16, size)
        .put(24, (byte) 5);
  }

  @Test
  void aRequestWithItsBytes() {
    ByteBuffer message = Wire.request(9, new byte[] {1, 2, 3});
    assertThat(message.remaining()).isEqualTo(48);
    assertThat(Wire.requestId(message)).isEqualTo(9);
    assertThat(message.getShort(8)).isEqualTo((short) 1);
    assertThat(message.getShort(10)).isZero();
    assertThat(message.getInt(16)).isEqualTo(3);
    assertThat(message.get(26)).isEqualTo((byte) 3);
  }

  @Test
  void aRequestWithAnEnvelope() {
    ByteBuffer message = Wire.request(9, 1000, 2, 0x7f0000000010L);
    assertThat(message.getShort(10)).isEqualTo((short) 1);
    assertThat(message.getInt(16)).isEqualTo(1000);
    assertThat(message.getInt(20)).isEqualTo(2);
    assertThat(message.getLong(24)).isEqualTo(0x7f0000000010L);
  }

  @Test
  void theVariableHasBothChannels() {
    assertThat(Wire.variable(0x100000002L, 0x3000000ffL)).isEqualTo("1,100000002,3000000ff");
  }

  @Test
  void answers() {
    Wire.Answer answer = Wire.answer(message(Wire.RESPONSE, 0, 0, 1));
    assertThat(answer.id()).isEqualTo(77);
    assertThat(answer.data()).containsExactly(5);
    assertThat(answer.isElsewhere()).isFalse();
    assertThat(Wire.answer(message(Wire.FAILURE, 0, -3, 24)).code()).isEqualTo(-3);
    Wire.Answer large = Wire.answer(message(Wire.RESPONSE, 1, 0, 5000));
    assertThat(large.isElsewhere()).isTrue();
    assertThat(large.size()).isEqualTo(5000);
    assertThat(Wire.answer(message(Wire.PART, 0, 0, 5000)).isElsewhere()).isTrue();
    assertThat(Wire.answer(message(Wire.READY, 0, 0, 0)).kind()).isEqualTo(Wire.READY);
  }

  @Test
  void nonsense() {
    assertThatIllegalArgumentException().isThrownBy(() -> Wire.answer(ByteBuffer.allocate(47)));
    for (ByteBuffer wrong :
        new ByteBuffer[] {
          message(Wire.REQUEST, 0, 0, 0),
          message(6, 0, 0, 0),
          message(-1, 0, 0, 0),
          message(Wire.RESPONSE, 0, 0, 25),
          message(Wire.RESPONSE, 1, 0, -1)
        }) {
      assertThatIllegalArgumentException().isThrownBy(() -> Wire.answer(wrong));
    }
  }
}
