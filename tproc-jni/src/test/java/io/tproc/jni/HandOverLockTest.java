package io.tproc.jni;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class HandOverLockTest {
  private static final long SECONDS = 20;

  private final HandOverLock lock = new HandOverLock();
  private final AtomicReference<Thread> ranOn = new AtomicReference<>();
  private final ExecutorService holder = Executors.newSingleThreadExecutor();

  @AfterEach
  void stop() {
    holder.shutdownNow();
  }

  @Test
  void runsAtOnceWhenFree() {
    lock.handOver(() -> ranOn.set(Thread.currentThread()));

    assertThat(ranOn).hasValue(Thread.currentThread());
  }

  @Test
  void whoBringsTheTaskDoesNotWaitForTheHolder() throws Exception {
    CountDownLatch held = new CountDownLatch(1);
    CountDownLatch handedOver = new CountDownLatch(1);
    Future<Thread> holding =
        holder.submit(
            () -> {
              lock.lock();
              held.countDown();
              assertThat(handedOver.await(SECONDS, TimeUnit.SECONDS)).isTrue();
              assertThat(ranOn).as("not while it is held").hasValue(null);
              lock.unlock();
              return Thread.currentThread();
            });
    assertThat(held.await(SECONDS, TimeUnit.SECONDS)).isTrue();

    lock.handOver(() -> ranOn.set(Thread.currentThread()));
    handedOver.countDown();

    assertThat(holding.get(SECONDS, TimeUnit.SECONDS)).isSameAs(ranOn.get());
  }

  @Test
  void doesNotRunInTheMiddleOfANestedHold() {
    lock.lock();
    lock.lock();
    lock.handOver(() -> ranOn.set(Thread.currentThread()));
    lock.unlock();
    assertThat(ranOn).hasValue(null);
    lock.unlock();

    assertThat(ranOn).hasValue(Thread.currentThread());
  }

  @Test
  void everyTaskRunsExactlyOnceUnderContention() throws Exception {
    for (int round = 0; round < 2_000; round++) {
      HandOverLock contended = new HandOverLock();
      AtomicInteger runs = new AtomicInteger();
      Future<?> locking =
          holder.submit(
              () -> {
                contended.lock();
                contended.unlock();
              });
      contended.handOver(runs::incrementAndGet);
      locking.get(SECONDS, TimeUnit.SECONDS);

      assertThat(runs).hasValue(1);
    }
  }
}
