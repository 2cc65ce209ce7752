package io.tproc.spi;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class StackRoomTest {
  @Test
  void anEmptyStackHasRoom() {
    StackRoom.require();
    StackRoom.requireUnderLock();
  }

  @Test
  void aFullOneIsNamed() {
    assertThatThrownBy(() -> deeper(0))
        .isInstanceOf(StackOverflowError.class)
        .hasMessageContaining("-Xss");
  }

  private static int deeper(int calls) {
    StackRoom.require();
    return calls < 0 ? calls : deeper(calls + 1) + 1;
  }
}
