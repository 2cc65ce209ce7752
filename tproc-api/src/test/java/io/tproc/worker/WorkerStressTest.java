package io.tproc.worker;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Threads that ask in all ways, are interrupted and cancel, of workers that answer late, twice, for
 * others, or end instead, and are replaced meanwhile. Whatever comes: each request is complete in
 * the end, an answer is that of its request, and nothing is left over. Which events meet is
 * another's each time; what each thread does is the seed's.
 */
@Timeout(value = 6, unit = TimeUnit.MINUTES)
class WorkerStressTest {
  private static final int ASKING = 4;
  private static final int REQUESTS = 250;

  private final FakeHost host = new FakeHost();
  private final AtomicBoolean done = new AtomicBoolean();
  private final AtomicInteger right = new AtomicInteger();

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void allIsCompleteInTheEnd(long seed) throws Exception {
    WorkerPoolBuilder workers =
        host.workers()
            .count(3)
            .inFlight(2)
            .queue(4)
            .requestLimit(Duration.ofMillis(50))
            .restarts(Duration.ZERO, Duration.ofMillis(1), 1 << 20);
    CompletableFuture<Void> players = run(() -> playAll(seed));
    try (WorkerPool pool = workers.open()) {
      List<Thread> threads = new ArrayList<>();
      List<CompletableFuture<Void>> ends = new ArrayList<>();
      for (int i = 0; i < ASKING; i++) {
        long own = seed * ASKING + i;
        CompletableFuture<Void> end = new CompletableFuture<>();
        threads.add(thread(() -> askAll(pool, new Random(own)), end));
        ends.add(end);
      }
      CompletableFuture<Void> replacing = run(() -> replaceAgain(pool));
      CompletableFuture<Void> interrupting = run(() -> interruptAll(threads, new Random(seed)));
      for (CompletableFuture<Void> each : ends) {
        each.get(2, TimeUnit.MINUTES);
      }
      done.set(true);
      replacing.get(2, TimeUnit.MINUTES);
      interrupting.get(2, TimeUnit.MINUTES);
      awaitIdle(pool);
    }
    players.get(2, TimeUnit.MINUTES);
    assertThat(host.blocks()).isZero();
    assertThat(right).hasPositiveValue();
  }

  private interface Work {
    void run() throws Exception;
  }

  private static Thread thread(Work work, CompletableFuture<Void> end) {
    Thread thread =
        new Thread(
            () -> {
              try {
                work.run();
                end.complete(null);
              } catch (Throwable failed) {
                end.completeExceptionally(failed);
              }
            });
    thread.setDaemon(true);
    thread.start();
    return thread;
  }

  private static CompletableFuture<Void> run(Work work) {
    CompletableFuture<Void> end = new CompletableFuture<>();
    thread(work, end);
    return end;
  }

  /** Of those that were cancelled, workers have some still. */
  private static void awaitIdle(WorkerPool pool) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (pool.underWay() != 0) {
      assertThat(System.nanoTime()).as("under way: " + pool.underWay()).isLessThan(end);
      Thread.onSpinWait();
    }
  }

  // Workers.

  private void playAll(long seed) throws Exception {
    List<CompletableFuture<Void>> players = new ArrayList<>();
    while (!done.get()) {
      if (host.hasStarted()) {
        FakeHost.Worker worker = host.next();
        Random random = new Random(seed + players.size());
        players.add(run(() -> play(worker, random)));
      }
      Thread.yield();
    }
    for (CompletableFuture<Void> each : players) {
      each.get(2, TimeUnit.MINUTES);
    }
  }

  private static void play(FakeHost.Worker worker, Random random) {
    while (!worker.hasEnded()) {
      ByteBuffer answer = worker.takeToEcho().orElse(null);
      if (answer != null) {
        answer(worker, answer, random);
      }
      Thread.yield();
    }
  }

  private static void answer(FakeHost.Worker worker, ByteBuffer answer, Random random) {
    switch (random.nextInt(60)) {
      case 0 -> worker.say(answer, answer.duplicate());
      case 1 -> worker.answer(1_000_000);
      case 2 -> worker.end();
      case 3 -> {
        worker.say(answer);
        worker.end();
      }
      case 4 -> {} // it never comes, and the limit does
      default -> worker.say(answer);
    }
  }

  // Who asks.

  private void askAll(WorkerPool pool, Random random) throws Exception {
    for (int i = 0; i < REQUESTS; i++) {
      long number = random.nextLong();
      try {
        check(ask(pool, request(number), random), number);
      } catch (InterruptedException | CancellationException | WorkerException expected) {
        continue;
      } catch (ExecutionException failed) {
        assertThat(failed.getCause()).isInstanceOf(WorkerException.class);
      }
    }
  }

  private static WorkerRequest request(long number) {
    return WorkerRequest.of(
        ByteBuffer.allocate(Long.BYTES).order(ByteOrder.nativeOrder()).putLong(0, number));
  }

  private static WorkerResponse ask(WorkerPool pool, WorkerRequest request, Random random)
      throws Exception {
    return switch (random.nextInt(6)) {
      case 0 -> pool.submit(request).get(2, TimeUnit.MINUTES);
      case 1 -> pool.submitAndWait(request).get(2, TimeUnit.MINUTES);
      case 2 -> {
        CompletableFuture<WorkerResponse> future = pool.submit(request);
        future.cancel(false);
        yield future.get();
      }
      case 3 -> {
        CompletableFuture<WorkerResponse> future = pool.submit(request);
        boolean isTakenBack = pool.withdraw(future);
        assertThat(future.isCancelled()).isEqualTo(isTakenBack);
        yield future.get(2, TimeUnit.MINUTES);
      }
      default -> pool.call(request);
    };
  }

  private void check(WorkerResponse response, long number) {
    assertThat(response.data().getLong()).isEqualTo(number);
    right.incrementAndGet();
  }

  // Who disturbs.

  private void interruptAll(List<Thread> threads, Random random) {
    while (!done.get()) {
      threads.get(random.nextInt(threads.size())).interrupt();
      for (int i = random.nextInt(2_000); i > 0; i--) {
        Thread.yield();
      }
    }
  }

  private void replaceAgain(WorkerPool pool) throws Exception {
    while (!done.get()) {
      try {
        pool.replace();
      } catch (WorkerStartException ended) { // a new one, before it served
        continue;
      }
    }
  }
}
