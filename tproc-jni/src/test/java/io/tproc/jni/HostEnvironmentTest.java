package io.tproc.jni;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class HostEnvironmentTest {
  /**
   * In no charset that a Linux locale uses is a lone 0xff followed by 'x' text that survives
   * decoding as UTF-8 or ASCII.
   */
  private static final byte[] BLOCK = {'A', '=', 'b', 0, 'C', '=', (byte) 0xff, 'x', 0};

  @Test
  void anUndecodableVariableKeepsItsBytes() {
    HostEnvironment environment = HostEnvironment.parse(BLOCK);
    String decoded = ByteStrings.decode(Arrays.copyOfRange(BLOCK, 6, 8));

    assertThat(environment.bytes("C", decoded)).containsExactly('C', '=', 0xff, 'x');
  }

  @Test
  void aChangedVariableIsEncoded() {
    HostEnvironment environment = HostEnvironment.parse(BLOCK);

    assertThat(environment.bytes("C", "new")).containsExactly('C', '=', 'n', 'e', 'w');
    assertThat(environment.bytes("A", "b")).containsExactly('A', '=', 'b');
  }

  @Test
  void readsThisProcess() {
    HostEnvironment environment = HostEnvironment.read();

    System.getenv()
        .forEach(
            (name, value) ->
                assertThat(ByteStrings.decode(environment.bytes(name, value)))
                    .isEqualTo(name + "=" + value));
  }
}
