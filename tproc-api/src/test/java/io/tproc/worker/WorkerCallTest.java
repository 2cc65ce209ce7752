package io.tproc.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.tproc.share.SharedBlock;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Threads that call and receive by themselves. WorkerCallsIT has real workers. */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
class WorkerCallTest {
  private final FakeHost host = new FakeHost();

  /** A thread that calls once. */
  private static final class Caller extends Thread {
    private final WorkerPool pool;
    private final WorkerRequest request;
    private final CompletableFuture<WorkerResponse> result = new CompletableFuture<>();
    private volatile boolean isInterrupted;

    Caller(WorkerPool pool, WorkerRequest request) {
      super("caller");
      this.pool = pool;
      this.request = request;
      setDaemon(true);
      start();
    }

    @Override
    public void run() {
      try {
        result.complete(pool.call(request));
      } catch (Throwable failed) {
        result.completeExceptionally(failed);
      }
      isInterrupted = isInterrupted();
    }

    /** Until it waits, if it has not ended meanwhile. */
    void awaitWaiting() {
      Set<State> over = EnumSet.of(State.WAITING, State.TIMED_WAITING, State.TERMINATED);
      while (!over.contains(getState())) {
        Thread.onSpinWait();
      }
    }

    WorkerResponse response() throws Exception {
      return result.get(30, TimeUnit.SECONDS);
    }

    Throwable failure() throws Exception {
      Throwable thrown = catchThrowable(() -> result.get(30, TimeUnit.SECONDS));
      assertThat(thrown).isInstanceOf(ExecutionException.class);
      join();
      return thrown.getCause();
    }
  }

  private static Caller call(WorkerPool pool) {
    return new Caller(pool, WorkerRequest.empty());
  }

  private interface Scenario {
    void play(WorkerPool pool, FakeHost.Worker worker) throws Exception;
  }

  /** Callers receive by themselves. */
  private void afterACall(WorkerPoolBuilder workers, Scenario scenario) throws Exception {
    try (WorkerPool pool = workers.open()) {
      FakeHost.Worker worker = host.next();
      callOnce(pool, worker);
      scenario.play(pool, worker);
    }
  }

  /** From here on, callers receive by themselves: at the first, the pool's thread was there. */
  private static void callOnce(WorkerPool pool, FakeHost.Worker worker) throws Exception {
    Caller first = call(pool);
    worker.answer(worker.await());
    first.response();
  }

  @Test
  void theThreadThatCallsReceives() throws Exception {
    afterACall(
        host.workers(),
        (pool, worker) -> {
          assertThat(host.receiver()).extracting(Thread::getName).isEqualTo("tproc-pool");
          for (int i = 0; i < 3; i++) {
            Caller caller = call(pool);
            worker.answer(worker.await());
            caller.response();
            assertThat(host.receiver()).isSameAs(caller);
          }
          CompletableFuture<WorkerResponse> submitted = pool.submit(WorkerRequest.empty());
          worker.answer(worker.await());
          submitted.get(30, TimeUnit.SECONDS);
          assertThat(host.receiver()).extracting(Thread::getName).isEqualTo("tproc-pool");
        });
  }

  @Test
  void theWorkerOfACallGetsNothingElse() throws Exception {
    try (WorkerPool pool = host.workers().inFlight(4).queue(1).open()) {
      FakeHost.Worker worker = host.next();
      callOnce(pool, worker);
      Caller caller = call(pool);
      long called = worker.await();
      CompletableFuture<WorkerResponse> waiting = pool.submit(WorkerRequest.empty());
      assertThat(pool.trySubmit(WorkerRequest.empty())).isEmpty();
      assertThat(worker.take()).isEmpty();
      worker.answer(called);
      caller.response();
      worker.answer(worker.await());
      waiting.get(30, TimeUnit.SECONDS);
    }
  }

  @Test
  void aCallWithoutAFreeWorkerWaitsForOne() throws Exception {
    afterACall(
        host.workers(),
        (pool, worker) -> {
          Caller first = call(pool);
          long begun = worker.await();
          Caller second = call(pool);
          worker.answer(begun);
          first.response();
          worker.answer(worker.await());
          second.response();
          callOnce(pool, worker);
        });
  }

  @Test
  void aWorkerThatEndsFailsTheCallThatItHadBegun() throws Exception {
    afterACall(
        host.workers(),
        (pool, worker) -> {
          Caller caller = call(pool);
          worker.await();
          worker.end();
          assertThat(caller.failure()).isInstanceOf(WorkerCrashedException.class);
          callOnce(pool, host.next());
        });
  }

  @Test
  void aCallThatWasNotBegunGoesToTheNextWorker() throws Exception {
    afterACall(
        host.workers(),
        (pool, worker) -> {
          Caller caller = call(pool);
          worker.awaitSent();
          worker.end();
          FakeHost.Worker other = host.next();
          other.answer(other.await());
          caller.response();
        });
  }

  @Test
  void aCallThatTakesTooLongEndsItsWorker() throws Exception {
    afterACall(
        host.workers(),
        (pool, worker) -> {
          Duration limit = Duration.ofMillis(1);
          Caller caller = new Caller(pool, WorkerRequest.empty().within(limit));
          assertThat(caller.failure())
              .isInstanceOf(WorkerTimeoutException.class)
              .hasMessageContaining("PT0.001S");
          callOnce(pool, host.next());
        });
  }

  @Test
  void whatIsInterruptedIsFinishedAndDropped() throws Exception {
    afterACall(
        host.workers(),
        (pool, worker) -> {
          Caller caller = call(pool);
          long begun = worker.await();
          caller.interrupt();
          assertThat(caller.failure()).isInstanceOf(InterruptedException.class);
          SharedBlock block = host.heap().allocate(10);
          long address = block.address();
          worker.say(worker.message(begun, Wire.RESPONSE, block));
          callOnce(pool, worker);
          assertThat(host.heap().usableSize(address)).isEmpty();
        });
  }

  @Test
  void theLimitOfOneThatWasInterruptedGoesOn() throws Exception {
    afterACall(
        host.workers(),
        (pool, worker) -> {
          Duration limit = Duration.ofSeconds(1);
          Caller caller = new Caller(pool, WorkerRequest.empty().within(limit));
          worker.await();
          caller.interrupt();
          assertThat(caller.failure()).isInstanceOf(InterruptedException.class);
          callOnce(pool, host.next()); // the other was killed
        });
  }

  @Test
  void anInterruptedThreadSubmitsNothing() throws Exception {
    afterACall(
        host.workers(),
        (pool, worker) -> {
          Thread.currentThread().interrupt();
          assertThatExceptionOfType(InterruptedException.class)
              .isThrownBy(() -> pool.call(WorkerRequest.empty()));
          assertThat(Thread.interrupted()).isFalse();
          assertThat(worker.take()).isEmpty();
          callOnce(pool, worker);
        });
  }

  @Test
  void oneThatIsInterruptedGetsTheFutureToWaitForElsewhere() throws Exception {
    afterACall(
        host.workers(),
        (pool, worker) -> {
          CompletableFuture<CompletableFuture<WorkerResponse>> submitted =
              new CompletableFuture<>();
          Thread thread =
              new Thread(
                  () -> {
                    try {
                      submitted.complete(pool.submitAndWait(WorkerRequest.empty()));
                    } catch (Throwable failed) {
                      submitted.completeExceptionally(failed);
                    }
                  });
          thread.start();
          long begun = worker.await();
          thread.interrupt();
          CompletableFuture<WorkerResponse> future = submitted.get(30, TimeUnit.SECONDS);
          assertThat(future).isNotDone();
          worker.answer(begun);
          future.get(30, TimeUnit.SECONDS);
        });
  }

  /** Its worker refuses requests, and has not left yet; another has nothing to do. */
  @Test
  void aCallThatMeetsTheEndOfItsWorkerKeepsItsLimitAtTheNext() throws Exception {
    try (WorkerPool pool = host.workers().count(2).open()) {
      List<FakeHost.Worker> workers = List.of(host.next(), host.next());
      Caller zeroth = call(pool);
      FakeHost.Worker worker = awaitAnswered(workers);
      zeroth.response();
      CompletableFuture<Caller> second = new CompletableFuture<>();
      worker.beforeSignal(
          () -> {
            WorkerRequest limited = WorkerRequest.empty().within(Duration.ofMillis(1));
            Caller caller = new Caller(pool, limited);
            caller.awaitWaiting();
            second.complete(caller);
          });
      Caller first = call(pool);
      long begun = worker.await(); // the same as before
      worker.say(worker.message(begun, Wire.RESPONSE), worker.message(begun, Wire.REQUEST));
      first.response();
      assertThat(second.get(30, TimeUnit.SECONDS).failure())
          .isInstanceOf(WorkerTimeoutException.class);
    }
  }

  /** Which of them has got a request. */
  private static FakeHost.Worker awaitAnswered(List<FakeHost.Worker> workers) {
    for (; ; ) {
      for (FakeHost.Worker each : workers) {
        Optional<Long> begun = each.take();
        if (begun.isPresent()) {
          each.answer(begun.get());
          return each;
        }
      }
      Thread.onSpinWait();
    }
  }

  @Test
  void oneThatGivesUpLateLeavesTheNextCallAlone() throws Exception {
    afterACall(
        host.workers().inFlight(2),
        (pool, worker) -> {
          Caller caller = call(pool);
          long begun = worker.await();
          pool.giveUp(pool.instances().get(0), host.task());
          CompletableFuture<WorkerResponse> other = pool.submit(WorkerRequest.empty());
          assertThat(worker.take()).isEmpty();
          worker.answer(begun);
          caller.response();
          worker.answer(worker.await());
          other.get(30, TimeUnit.SECONDS);
        });
  }

  /** Also when it is not the one that receives. */
  @Test
  void aWorkerWhoseCallerWasInterruptedIsForOthers() throws Exception {
    try (WorkerPool pool = host.workers().inFlight(2).open()) {
      FakeHost.Worker worker = host.next();
      for (int i = 0; i < 2; i++) {
        Caller caller = call(pool);
        long begun = worker.await();
        caller.interrupt();
        assertThat(caller.failure()).isInstanceOf(InterruptedException.class);
        CompletableFuture<WorkerResponse> other = pool.submit(WorkerRequest.empty());
        worker.answer(worker.await());
        worker.answer(begun);
        other.get(30, TimeUnit.SECONDS);
        callOnce(pool, worker);
      }
    }
  }

  /** The caller has the answer, and has not taken it yet, when the worker ends. */
  @Test
  void anAnswerThatACallerHasReceivedCounts() throws Exception {
    afterACall(
        host.workers(),
        (pool, worker) -> {
          Caller caller = call(pool);
          long begun = worker.await();
          host.beforeFree(
              () -> {
                worker.end();
                boolean isCallers = Thread.currentThread() != worker.keeper(); // it was not slow
                while (isCallers && !waitsForReceived(worker.keeper()) && !host.hasStarted()) {
                  Thread.onSpinWait();
                }
              });
          worker.say(
              worker.message(begun, Wire.PART, host.heap().allocate(10)),
              worker.message(begun, Wire.RESPONSE));
          caller.response();
          callOnce(pool, host.next());
        });
  }

  private static boolean waitsForReceived(Thread keeper) {
    return Stream.of(keeper.getStackTrace())
        .anyMatch(frame -> frame.getMethodName().equals("awaitReceived"));
  }

  /** The second is nonsense, and the worker's end; the pool has counted it once. */
  @Test
  void anAnswerThatComesTwiceCountsOnce() throws Exception {
    WorkerPool pool = host.workers().open();
    FakeHost.Worker worker = host.next();
    callOnce(pool, worker);
    Caller caller = call(pool);
    long begun = worker.await();
    worker.say(worker.message(begun, Wire.RESPONSE), worker.message(begun, Wire.RESPONSE));
    caller.response();
    FakeHost.Worker other = host.next();
    Caller last = call(pool);
    long unanswered = other.await();
    CompletableFuture<Void> closing = CompletableFuture.runAsync(pool::close);
    other.answer(unanswered);
    last.response();
    closing.get(30, TimeUnit.SECONDS);
  }

  @Test
  void nonsenseInACallEndsTheWorker() throws Exception {
    afterACall(
        host.workers(),
        (pool, worker) -> {
          Caller caller = call(pool);
          worker.say(worker.message(worker.await(), Wire.REQUEST));
          assertThat(caller.failure())
              .isInstanceOf(WorkerCrashedException.class)
              .hasMessageContaining("it sent what no worker sends: a message of kind 1");
          callOnce(pool, host.next());
        });
  }

  @Test
  void anErrorOfSendingIsThrown() throws Exception {
    afterACall(
        host.workers(),
        (pool, worker) -> {
          Error error = new Error("made up");
          host.sendingThrows(error);
          assertThat(call(pool).failure()).isSameAs(error);
          host.sendingThrows(null);
          callOnce(pool, worker);
        });
  }

  @Test
  void closingWaitsForCallsAndEndsThem() throws Exception {
    WorkerPool pool = host.workers().open();
    FakeHost.Worker worker = host.next();
    callOnce(pool, worker);
    Caller caller = call(pool);
    worker.await();
    pool.close(Duration.ofMillis(1));
    assertThat(caller.failure()).isInstanceOf(WorkerCrashedException.class);
    assertThatIllegalStateException().isThrownBy(() -> pool.call(WorkerRequest.empty()));
  }

  @Test
  void callsEndWithTheHost() throws Exception {
    afterACall(
        host.workers(),
        (pool, worker) -> {
          Caller caller = call(pool);
          worker.await();
          host.close();
          worker.end();
          assertThat(caller.failure()).isInstanceOf(WorkerCrashedException.class);
        });
  }

  @Test
  void aBlockThatWasFreedIsRefused() throws Exception {
    try (WorkerPool pool = host.workers().open()) {
      FakeHost.Worker worker = host.next();
      SharedBlock block = host.heap().allocate(10);
      block.close();
      assertThatIllegalStateException()
          .isThrownBy(() -> pool.call(WorkerRequest.empty().withBlock(block)));
      callOnce(pool, worker);
    }
  }

  @Test
  void dependentsMustNotCall() throws Exception {
    try (WorkerPool pool = host.workers().inFlight(2).open()) {
      FakeHost.Worker worker = host.next();
      CompletableFuture<Throwable> thrown =
          pool.submit(WorkerRequest.empty())
              .thenApply(unused -> catchThrowable(() -> pool.call(WorkerRequest.empty())));
      worker.answer(worker.await());
      assertThat(thrown.get(30, TimeUnit.SECONDS))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("must not wait for a response");
    }
  }

  @Test
  void withoutWorkersACallSaysSo() throws Exception {
    try (WorkerPool pool = host.workers().restarts(Duration.ZERO, Duration.ZERO, 1).open()) {
      FakeHost.Worker worker = host.next();
      Caller caller = call(pool);
      worker.awaitSent();
      worker.end();
      assertThat(caller.failure())
          .isInstanceOf(WorkerStartException.class)
          .hasMessageStartingWith("no worker is left");
      assertThatExceptionOfType(IllegalStateException.class)
          .isThrownBy(() -> pool.call(WorkerRequest.empty()));
    }
  }
}
