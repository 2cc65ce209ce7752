package io.tproc.share;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.mockito.ArgumentMatchers.anyLong;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.verify;
import static org.mockito.Mockito.when;

import io.tproc.spi.SharedMemory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** In one thread. ConformanceIT has it between programs. */
class SharedOnceTest {
  private static final long ADDRESS = 64;

  private final SharedMemory memory = mock(SharedMemory.class);
  private final ByteBuffer word = ByteBuffer.allocateDirect(4).order(ByteOrder.nativeOrder());
  private final AtomicInteger calls = new AtomicInteger();

  @BeforeEach
  void aNewOne() {
    when(memory.view(anyLong(), anyLong())).thenReturn(word);
  }

  @Test
  void itIsDoneOnce() throws Exception {
    SharedOnce once = new SharedOnce(memory, ADDRESS);
    once.call(calls::incrementAndGet);
    once.call(calls::incrementAndGet);
    assertThat(calls).hasValue(1);
    assertThat(word.getInt(0)).isEqualTo(1);
  }

  @Test
  void whatThrowsHasNotDoneIt() throws Exception {
    SharedOnce once = new SharedOnce(memory, ADDRESS);
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                once.call(
                    () -> {
                      throw new IllegalArgumentException("it cannot be done");
                    }));
    verify(memory).unlock(ADDRESS + 4);
    once.call(calls::incrementAndGet);
    assertThat(calls).hasValue(1);
  }

  @Test
  void whatADeadOneHasBegunIsDoneFromTheStart() throws Exception {
    when(memory.tryLock(ADDRESS + 4, false)).thenReturn(1);
    new SharedOnce(memory, ADDRESS).call(calls::incrementAndGet);
    verify(memory).consistent(ADDRESS + 4);
    assertThat(calls).hasValue(1);
  }
}
