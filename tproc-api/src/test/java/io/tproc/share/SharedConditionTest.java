package io.tproc.share;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.mockito.ArgumentMatchers.anyBoolean;
import static org.mockito.ArgumentMatchers.anyInt;
import static org.mockito.ArgumentMatchers.anyLong;
import static org.mockito.Mockito.inOrder;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;

import io.tproc.Errno;
import io.tproc.spi.SharedMemory;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.mockito.InOrder;

/** What is locked, and when, while a thread waits. SharingIT has the rest. */
class SharedConditionTest {
  private static final long MUTEX = 64;
  private static final long CONDITION = 72;

  private final SharedMemory memory = mock(SharedMemory.class);
  private final SharedCondition condition = new SharedCondition(memory, CONDITION);

  private SharedMutex.Held locked() {
    return new SharedMutex(memory, MUTEX).tryLock().orElseThrow();
  }

  private void nothingChanges() {
    when(memory.changed(anyLong(), anyInt(), anyLong()))
        .thenAnswer(call -> new CompletableFuture<>());
  }

  @Test
  void theWaitIsAnnouncedBeforeTheMutexIsUnlocked() throws Exception {
    SharedMutex.Held held = locked();
    when(memory.prepare(CONDITION)).thenReturn(7);
    when(memory.changed(CONDITION, 7, 0)).thenReturn(CompletableFuture.completedFuture(null));
    condition.await(held);
    InOrder order = inOrder(memory);
    order.verify(memory).prepare(CONDITION);
    order.verify(memory).unlock(MUTEX);
    order.verify(memory).changed(CONDITION, 7, 0);
    order.verify(memory).tryLock(MUTEX, false);
    held.close();
    order.verify(memory).unlock(MUTEX);
  }

  @Test
  void oneThatIsInterruptedHasTheMutexAgain() {
    nothingChanges();
    SharedMutex.Held held = locked();
    Thread.currentThread().interrupt();
    assertThatExceptionOfType(InterruptedException.class).isThrownBy(() -> condition.await(held));
    assertThat(Thread.interrupted()).isFalse();
    held.consistent(); // does not throw: it is held
  }

  @Test
  void anOwnersDeathMeanwhileIsTold() throws Exception {
    nothingChanges();
    SharedMutex.Held held = locked();
    when(memory.tryLock(anyLong(), anyBoolean())).thenReturn(1);
    assertThat(condition.await(held, Duration.ZERO)).isFalse();
    assertThat(held.ownerDied()).isTrue();
  }

  @Test
  void aMutexThatIsLostIsNotUnlocked() {
    nothingChanges();
    SharedMutex.Held held = locked();
    when(memory.tryLock(anyLong(), anyBoolean()))
        .thenThrow(new SharedMemoryException(Errno.ENOTRECOVERABLE, "it is lost"));
    assertThatExceptionOfType(SharedMemoryException.class)
        .isThrownBy(() -> condition.await(held, Duration.ZERO));
    assertThatIllegalStateException().isThrownBy(held::consistent);
    assertThatIllegalStateException().isThrownBy(() -> condition.await(held));
  }
}
