package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tproc.Signals;
import io.tproc.TprocHost;
import io.tproc.share.SharedBlock;
import io.tproc.worker.WorkerCrashedException;
import io.tproc.worker.WorkerFailedException;
import io.tproc.worker.WorkerPool;
import io.tproc.worker.WorkerPoolBuilder;
import io.tproc.worker.WorkerRequest;
import io.tproc.worker.WorkerResponse;
import io.tproc.worker.WorkerTimeoutException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** Threads that wait for their workers themselves: {@link WorkerPool#call}. */
@ExtendWith(HostExtension.class)
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class WorkerCallsIT {
  private static WorkerPoolBuilder workers(TprocHost host) {
    return host.workers(Programs.probe("worker"))
        .restarts(Duration.ofMillis(1), Duration.ofMillis(20), 10);
  }

  private static WorkerRequest request(String what) {
    return WorkerRequest.of(what);
  }

  private static String text(WorkerResponse response) {
    return StandardCharsets.UTF_8.decode(response.data()).toString();
  }

  private static long pid(WorkerPool pool) throws Exception {
    return pool.call(request("p")).data().getInt();
  }

  /** Until callers receive by themselves: at the first call the pool's thread is there. */
  private static void callTwice(WorkerPool pool) throws Exception {
    pid(pool);
    pid(pool);
  }

  private static Thread started(Callable<?> work, CompletableFuture<Throwable> end) {
    Thread thread = new Thread(() -> end.complete(catchThrowable(work::call)), "caller");
    thread.start();
    return thread;
  }

  /** A call that is answered when the gate's second byte is set; a worker has it. */
  private static Thread callUntil(
      ByteBuffer gate, WorkerPool pool, CompletableFuture<Throwable> end) {
    Thread caller = started(() -> pool.call(request("w").withBuffer(gate)), end);
    awaitBegun(gate);
    return caller;
  }

  private static void awaitBegun(ByteBuffer gate) {
    assertThat(Patience.until(Patience.seconds(60), () -> gate.get(0) > 0)).isTrue();
  }

  @Test
  void answersOfAllKinds(TprocHost host) throws Exception {
    try (WorkerPool pool = workers(host).open()) {
      for (int i = 0; i < 1_000; i++) {
        assertThat(text(pool.call(request("e" + i)))).isEqualTo(Integer.toString(i));
      }
      String large = "large".repeat(1_000);
      assertThat(text(pool.call(request("e" + large)))).isEqualTo(large);
      SharedBlock mine = host.heap().allocate(8);
      long address = mine.address();
      try (SharedBlock back = pool.call(request("b").withBlock(mine)).block().orElseThrow()) {
        assertThat(back.address()).isEqualTo(address);
      }
      assertThatExceptionOfType(WorkerFailedException.class)
          .isThrownBy(() -> pool.call(request("f\u0007it refuses")))
          .withMessageEndingWith("it refuses");
    }
  }

  @Test
  void aCrashEndsTheCallAndTheNextIsServed(TprocHost host) throws Exception {
    try (WorkerPool pool = workers(host).open()) {
      callTwice(pool);
      long before = pid(pool);
      assertThatExceptionOfType(WorkerCrashedException.class)
          .isThrownBy(() -> pool.call(request("k" + (char) Signals.SIGSEGV)))
          .withMessageContaining("SIGSEGV")
          .satisfies(thrown -> assertThat(thrown.pid()).isEqualTo(before));
      assertThat(pid(pool)).isNotEqualTo(before);
      assertThatExceptionOfType(WorkerCrashedException.class)
          .isThrownBy(() -> pool.call(request("x\u0003")))
          .withMessageContaining("it called exit(3)");
      callTwice(pool);
    }
  }

  /** While nobody calls, its end is noticed as well. */
  @Test
  void aWorkerThatIsKilledBetweenCallsIsReplaced(TprocHost host) throws Exception {
    try (WorkerPool pool = workers(host).open()) {
      callTwice(pool);
      for (int i = 0; i < 5; i++) {
        long before = pid(pool);
        pool.workers().get(0).signal(Signals.SIGKILL);
        assertThat(Patience.until(Patience.seconds(30), () -> isAnother(pool, before))).isTrue();
        assertThat(pid(pool)).isNotEqualTo(before);
      }
    }
  }

  private static boolean isAnother(WorkerPool pool, long pid) {
    return pool.workers().stream().anyMatch(each -> each.pid() != pid);
  }

  @Test
  void aCallThatTakesTooLongEndsItsWorker(TprocHost host) throws Exception {
    try (WorkerPool pool = workers(host).open()) {
      callTwice(pool);
      WorkerRequest hanging = request("h").within(Duration.ofMillis(100));
      assertThatExceptionOfType(WorkerTimeoutException.class)
          .isThrownBy(() -> pool.call(hanging))
          .withMessageContaining("did not answer within PT0.1S");
      callTwice(pool);
    }
  }

  @Test
  void anInterruptEndsTheWaitAndNotTheWorker(TprocHost host) throws Exception {
    try (WorkerPool pool = workers(host).open()) {
      callTwice(pool);
      long before = pid(pool);
      ByteBuffer gate = ByteBuffer.allocateDirect(2);
      CompletableFuture<Throwable> end = new CompletableFuture<>();
      Thread caller = callUntil(gate, pool, end);
      caller.interrupt();
      assertThat(end.get(1, TimeUnit.MINUTES)).isInstanceOf(InterruptedException.class);
      gate.put(1, (byte) 1);
      assertThat(pid(pool)).isEqualTo(before);
    }
  }

  @Test
  void callersSharePools(TprocHost host) throws Exception {
    Resources before = Resources.now();
    int threads = 6;
    try (WorkerPool pool = workers(host).count(2).inFlight(2).open()) {
      AtomicInteger served = new AtomicInteger();
      Parallel.run(
          threads,
          () -> {
            for (int i = 0; i < 500; i++) {
              String word = Thread.currentThread().getId() + " " + i;
              WorkerResponse answer =
                  i % 5 == 4
                      ? pool.submit(request("e" + word)).get(1, TimeUnit.MINUTES)
                      : pool.call(request("e" + word));
              assertThat(text(answer)).isEqualTo(word);
              served.incrementAndGet();
            }
            return served;
          });
      assertThat(served).hasValue(threads * 500);
    }
    before.assertAsBefore();
  }

  @Test
  void workersAreReplacedUnderCallsAndNoneIsLost(TprocHost host) throws Exception {
    try (WorkerPool pool = workers(host).count(2).open()) {
      AtomicBoolean done = new AtomicBoolean();
      AtomicInteger once = new AtomicInteger();
      FutureTask<AtomicInteger> load =
          new FutureTask<>(
              () -> {
                Parallel.run(2, () -> doubleUntil(done, pool, once));
                return once;
              });
      new Thread(load, "load").start();
      try {
        for (int i = 0; i < 3; i++) {
          int seen = once.get();
          assertThat(Patience.until(Patience.seconds(30), () -> once.get() > seen + 50)).isTrue();
          pool.replace();
        }
      } finally {
        done.set(true);
      }
      load.get(1, TimeUnit.MINUTES);
    }
  }

  private static AtomicInteger doubleUntil(AtomicBoolean done, WorkerPool pool, AtomicInteger once)
      throws Exception {
    while (!done.get()) {
      ByteBuffer number = ByteBuffer.allocateDirect(4).order(ByteOrder.nativeOrder()).putInt(0, 1);
      pool.call(request("a").withBuffer(number));
      assertThat(number.getInt(0)).as("1, doubled once").isEqualTo(2);
      once.incrementAndGet();
    }
    return once;
  }

  @Test
  void closingWaitsForACall(TprocHost host) throws Exception {
    WorkerPool pool = workers(host).open();
    callTwice(pool);
    ByteBuffer gate = ByteBuffer.allocateDirect(2);
    CompletableFuture<Throwable> end = new CompletableFuture<>();
    callUntil(gate, pool, end);
    CompletableFuture<Throwable> closed = new CompletableFuture<>();
    started(
        () -> {
          pool.close();
          return pool;
        },
        closed);
    assertThat(
            Patience.until(
                Patience.seconds(30),
                () -> catchThrowable(() -> pool.trySubmit(request("p"))) != null))
        .isTrue();
    assertThat(end).isNotDone();
    gate.put(1, (byte) 1);
    assertThat(end.get(1, TimeUnit.MINUTES)).isNull();
    assertThat(closed.get(1, TimeUnit.MINUTES)).isNull();
    assertThatIllegalStateException().isThrownBy(() -> pool.call(request("p")));
  }

  /** More than there are carriers: one that kept its own while it waits would stop the rest. */
  @Test
  void virtualThreadsCall(TprocHost host) throws Exception {
    assumeTrue(Runtime.version().feature() >= 21, "skipped: virtual threads are of Java 21");
    int threads = 50;
    ExecutorService each =
        (ExecutorService) Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null);
    try (WorkerPool pool = workers(host).count(threads / 10).open()) {
      List<ByteBuffer> gates = new ArrayList<>();
      List<Future<WorkerResponse>> waiting = new ArrayList<>();
      for (int i = 0; i < threads / 10; i++) {
        ByteBuffer gate = ByteBuffer.allocateDirect(2);
        gates.add(gate);
        waiting.add(each.submit(() -> pool.call(request("w").withBuffer(gate))));
      }
      gates.forEach(WorkerCallsIT::awaitBegun);
      for (int i = threads / 10; i < threads; i++) {
        waiting.add(each.submit(() -> pool.call(request("p"))));
      }
      gates.forEach(gate -> gate.put(1, (byte) 1));
      for (Future<WorkerResponse> one : waiting) {
        assertThat(one.get(1, TimeUnit.MINUTES).data().remaining()).isEqualTo(4);
      }
    } finally {
      each.shutdown();
    }
  }
}
