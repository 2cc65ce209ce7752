package io.tproc.share;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.mockito.ArgumentMatchers.anyInt;
import static org.mockito.ArgumentMatchers.anyLong;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;

import io.tproc.spi.SharedMemory;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A party that is interrupted. SharingIT has the rest. */
class SharedBarrierTest {
  private final SharedMemory memory = mock(SharedMemory.class);

  /**
   * The outcome of a round: others are awaited until the thread, which is interrupted, gives up.
   */
  private boolean await(int stateAfterGivingUp) throws Exception {
    when(memory.arriveAtBarrier(anyLong(), anyInt())).thenReturn(6L);
    when(memory.lookAtBarrier(64, 6, false)).thenReturn(4);
    when(memory.lookAtBarrier(64, 6, true)).thenReturn(stateAfterGivingUp);
    when(memory.changed(anyLong(), anyInt(), anyLong()))
        .thenAnswer(call -> new CompletableFuture<>());
    try (SharedBarrier.Party party = new SharedBarrier(memory, 64).join()) {
      Thread.currentThread().interrupt();
      return party.await();
    }
  }

  @ParameterizedTest
  @CsvSource({"0, false", "1, true"})
  void aRoundThatHasPassedHasPassedToOneThatIsInterruptedToo(int state, boolean isLast)
      throws Exception {
    assertThat(await(state)).isEqualTo(isLast);
    assertThat(Thread.interrupted()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3})
  void oneThatIsInterruptedSaysSoWhenTheRoundIsBroken(int state) {
    assertThatExceptionOfType(InterruptedException.class).isThrownBy(() -> await(state));
    assertThat(Thread.interrupted()).isFalse();
  }
}
