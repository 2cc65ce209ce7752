package io.tproc.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.tproc.share.SharedBlock;
import io.tproc.share.SharedMemoryException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What real workers do only at certain moments. WorkersIT has the rest. */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
class WorkerPoolTest {
  private final FakeHost host = new FakeHost();

  private static Throwable failure(CompletableFuture<WorkerResponse> future) {
    ExecutionException thrown =
        catchThrowableOfType(ExecutionException.class, () -> result(future));
    assertThat(thrown).as("failure of the future").isNotNull();
    return thrown.getCause();
  }

  private static WorkerResponse result(CompletableFuture<WorkerResponse> future) throws Exception {
    return future.get(30, TimeUnit.SECONDS);
  }

  @Test
  void aLongQueueFailsInItsOrderWhenTheHostIsClosed() throws Exception {
    int count = 20_000;
    try (WorkerPool pool = host.workers().queue(count).open()) {
      FakeHost.Worker worker = host.next();
      CompletableFuture<WorkerResponse> first = pool.submit(WorkerRequest.empty());
      List<CompletableFuture<WorkerResponse>> waiting = new ArrayList<>();
      List<Integer> order = Collections.synchronizedList(new ArrayList<>());
      List<Integer> expected = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        int number = i;
        waiting.add(pool.submit(WorkerRequest.empty()));
        var unused = waiting.get(i).whenComplete((response, failed) -> order.add(number));
        expected.add(i);
      }
      IllegalStateException closed = new IllegalStateException("the host is closed");
      host.sendingThrows(closed);
      worker.answer(worker.await());
      result(first);
      for (CompletableFuture<WorkerResponse> each : waiting) {
        assertThat(failure(each)).isSameAs(closed);
      }
      assertThat(order).isEqualTo(expected);
      assertThat(failure(pool.submit(WorkerRequest.empty()))).isSameAs(closed);
      host.sendingThrows(null);
      CompletableFuture<WorkerResponse> last = pool.submit(WorkerRequest.empty());
      worker.answer(worker.await());
      result(last);
    }
  }

  @Test
  void allWhoWaitForRoomGoOnWhenAWorkerIsReplaced() throws Exception {
    try (WorkerPool pool = host.workers().queue(0).inFlight(3).open()) {
      FakeHost.Worker worker = host.next();
      for (int i = 0; i < 3; i++) {
        pool.submit(WorkerRequest.empty());
        worker.await();
      }
      List<CompletableFuture<CompletableFuture<WorkerResponse>>> submitters = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        submitters.add(submitter(pool, WorkerRequest.empty()));
      }
      worker.end();
      FakeHost.Worker other = host.next();
      List<Long> ids = List.of(other.await(), other.await(), other.await());
      ids.forEach(other::answer);
      for (var each : submitters) {
        result(each.get(30, TimeUnit.SECONDS));
      }
    }
  }

  @Test
  void oneThatCannotSubmitLeavesItsRoomToTheNext() throws Exception {
    try (WorkerPool pool = host.workers().queue(0).open()) {
      FakeHost.Worker worker = host.next();
      pool.submit(WorkerRequest.empty());
      SharedBlock block = host.heap().allocate(10);
      var refused = submitter(pool, WorkerRequest.empty().withBlock(block));
      var next = submitter(pool, WorkerRequest.empty());
      block.close();
      worker.answer(worker.await());
      assertThat(catchThrowable(() -> refused.get(30, TimeUnit.SECONDS)))
          .hasCauseInstanceOf(IllegalStateException.class);
      CompletableFuture<WorkerResponse> submitted = next.get(30, TimeUnit.SECONDS);
      worker.answer(worker.await());
      result(submitted);
    }
  }

  @Test
  void answersBesideNonsenseAreReceived() throws Exception {
    try (WorkerPool pool = host.workers().inFlight(3).open()) {
      FakeHost.Worker worker = host.next();
      CompletableFuture<WorkerResponse> lost = pool.submit(WorkerRequest.empty());
      CompletableFuture<WorkerResponse> first = pool.submit(WorkerRequest.empty());
      CompletableFuture<WorkerResponse> second = pool.submit(WorkerRequest.empty());
      long unanswered = worker.await();
      List<Long> blocks = new ArrayList<>();
      List<ByteBuffer> messages = new ArrayList<>();
      for (int kind : List.of(Wire.REQUEST, Wire.PART, Wire.RESPONSE)) {
        SharedBlock block = host.heap().allocate(10);
        blocks.add(block.address());
        messages.add(worker.message(unanswered + 1_000, kind, block));
      }
      messages.add(worker.message(worker.await(), Wire.RESPONSE));
      messages.add(worker.message(worker.await(), Wire.RESPONSE));
      worker.say(messages.toArray(ByteBuffer[]::new));
      result(first);
      result(second);
      assertThat(failure(lost))
          .isInstanceOf(WorkerCrashedException.class)
          .hasMessageContaining("it sent what no worker sends: a message of kind 1");
      assertThat(blocks).allMatch(each -> host.heap().usableSize(each).isEmpty());
    }
  }

  @Test
  void oneWhoseBlockWasFreedHoldsUpNoOther() throws Exception {
    try (WorkerPool pool = host.workers().inFlight(3).open()) {
      FakeHost.Worker worker = host.next();
      CompletableFuture<WorkerResponse> spoiled =
          pool.submit(WorkerRequest.empty().withBlock(host.heap().allocate(10)));
      CompletableFuture<WorkerResponse> first = pool.submit(WorkerRequest.empty());
      CompletableFuture<WorkerResponse> second = pool.submit(WorkerRequest.empty());
      worker.spoil(0);
      worker.end();
      FakeHost.Worker other = host.next();
      other.answer(other.await());
      other.answer(other.await());
      result(first);
      result(second);
      assertThat(failure(spoiled)).isInstanceOf(WorkerCrashedException.class);
    }
  }

  @Test
  void anErrorOfSendingFailsItsRequestAlone() throws Exception {
    try (WorkerPool pool = host.workers().open()) {
      FakeHost.Worker worker = host.next();
      Error error = new Error("made up");
      host.sendingThrows(error);
      assertThat(failure(pool.submit(WorkerRequest.empty()))).isSameAs(error);
      host.sendingThrows(null);
      CompletableFuture<WorkerResponse> next = pool.submit(WorkerRequest.empty());
      worker.answer(worker.await());
      result(next);
    }
  }

  @Test
  void aFullQueueRefusesBeforeItAllocates() throws Exception {
    try (WorkerPool pool = host.workers().queue(0).open()) {
      FakeHost.Worker worker = host.next();
      CompletableFuture<WorkerResponse> begun = pool.submit(WorkerRequest.empty());
      host.heapIsFull();
      WorkerRequest large = WorkerRequest.of("more than a message has".repeat(2));
      assertThat(pool.trySubmit(large)).isEmpty();
      assertThat(pool.trySubmit(large, Duration.ZERO)).isEmpty();
      worker.answer(worker.await());
      result(begun);
      assertThatExceptionOfType(SharedMemoryException.class)
          .isThrownBy(() -> pool.trySubmit(large));
    }
  }

  @Test
  void aBufferOfARequestIsKeptAsItWasGiven() {
    ByteBuffer given = ByteBuffer.allocateDirect(10).slice();
    WorkerRequest request = WorkerRequest.empty().withBuffer(given);
    assertThat(request.buffers().get(0).keeper()).isSameAs(given);
  }

  @Test
  void whatWaitsFailsAtOnceWhenTheHostIsClosed() throws Exception {
    Duration never = Duration.ofDays(1);
    try (WorkerPool pool = host.workers().restarts(never, never, 10).open()) {
      FakeHost.Worker worker = host.next();
      CompletableFuture<WorkerResponse> begun = pool.submit(WorkerRequest.empty());
      CompletableFuture<WorkerResponse> waiting = pool.submit(WorkerRequest.empty());
      worker.await();
      host.close();
      worker.end();
      assertThat(failure(begun)).isInstanceOf(WorkerCrashedException.class);
      assertThat(failure(waiting))
          .isExactlyInstanceOf(IllegalStateException.class)
          .hasMessage("no worker is left: " + pool + ", for the host is closed");
    }
  }

  @Test
  void whatIsGivenBackToNoWorkerSaysSo() throws Exception {
    try (WorkerPool pool = host.workers().restarts(Duration.ZERO, Duration.ZERO, 1).open()) {
      host.next().end();
      while (catchThrowable(() -> pool.submit(WorkerRequest.empty())) == null) {
        Thread.onSpinWait();
      }
      Task task = host.task();
      pool.giveBack(List.of(task));
      assertThat(failure(task.future()))
          .isInstanceOf(WorkerStartException.class)
          .hasMessageStartingWith("no worker is left");
    }
  }

  /** What is asked while a worker is being killed for another request is not to die with it. */
  @Test
  void aWorkerThatIsKilledForALimitGetsNothingMore() throws Exception {
    try (WorkerPool pool = host.workers().open()) {
      FakeHost.Worker worker = host.next();
      CompletableFuture<CompletableFuture<WorkerResponse>> first = new CompletableFuture<>();
      CompletableFuture<CompletableFuture<WorkerResponse>> second = new CompletableFuture<>();
      worker.beforeSignal(
          () -> {
            worker.answer(worker.await()); // too late, and yet it is received
            first.join().join();
            second.complete(pool.trySubmit(WorkerRequest.empty()).orElseThrow());
            assertThat(worker.take()).isEmpty();
          });
      first.complete(pool.submit(WorkerRequest.empty().within(Duration.ofMillis(1))));
      FakeHost.Worker other = host.next();
      other.answer(other.await());
      result(second.get(30, TimeUnit.SECONDS));
    }
  }

  @Test
  void oneThatAnswersBeforeItServesIsNoWorker() throws Exception {
    host.workersBeginLater();
    CompletableFuture<Throwable> end =
        CompletableFuture.supplyAsync(() -> catchThrowable(() -> host.workers().open().close()));
    FakeHost.Worker worker = host.next();
    SharedBlock block = host.heap().allocate(10);
    long address = block.address();
    worker.say(worker.message(1, Wire.RESPONSE, block));
    assertThat(end.get(30, TimeUnit.SECONDS))
        .isInstanceOf(WorkerStartException.class)
        .hasMessageEndingWith("it was killed, since it sent what no worker sends first");
    assertThat(host.heap().usableSize(address)).isEmpty();
  }

  @Test
  void oneThatEndsBetweenItsBeginningAndItsServiceHasNotServed() throws Exception {
    host.workersBeginLater();
    CompletableFuture<Throwable> end =
        CompletableFuture.supplyAsync(() -> catchThrowable(() -> host.workers().open().close()));
    FakeHost.Worker worker = host.next();
    SharedBlock block = host.heap().allocate(10);
    host.beforeFree(worker::end); // in the thread of its place, which has received the beginning
    worker.say(worker.message(0, Wire.READY, block));
    assertThat(end.get(30, TimeUnit.SECONDS))
        .isInstanceOf(WorkerStartException.class)
        .hasMessageContaining("ended before it served");
  }

  // Replacing.

  /** A thread that replaces all workers. */
  private static final class Replacing extends Thread {
    private final WorkerPool pool;
    private final CompletableFuture<Boolean> end = new CompletableFuture<>();

    Replacing(WorkerPool pool) {
      super("replacing");
      this.pool = pool;
      setDaemon(true);
      start();
    }

    @Override
    public void run() {
      try {
        pool.replace();
        end.complete(true);
      } catch (Throwable failed) {
        end.completeExceptionally(failed);
      }
    }

    Throwable failure() {
      return catchThrowable(() -> end.get(30, TimeUnit.SECONDS)).getCause();
    }
  }

  private static void awaitState(Thread thread, Thread.State state) {
    while (thread.getState() != state) {
      Thread.onSpinWait();
    }
  }

  /** The interrupt comes first, but the thread goes on only after the new worker has come. */
  @Test
  void aReplacementThatServesStaysWhenTheThreadIsInterrupted() throws Exception {
    try (WorkerPool pool = host.workers().open()) {
      FakeHost.Worker old = host.next();
      host.workersBeginLater();
      Replacing replacing = new Replacing(pool);
      FakeHost.Worker fresh = host.next();
      awaitState(replacing, Thread.State.WAITING);
      SharedBlock block = host.heap().allocate(10);
      CompletableFuture<CompletableFuture<WorkerResponse>> submitted;
      synchronized (block) { // who submits it stands still with the pool's lock held
        submitted = submitter(pool, WorkerRequest.empty().withBlock(block), Thread.State.BLOCKED);
        fresh.begin();
        awaitState(fresh.keeper(), Thread.State.WAITING);
        replacing.interrupt();
        while (replacing.isInterrupted()) {
          Thread.onSpinWait();
        }
        awaitState(replacing, Thread.State.WAITING);
      }
      CompletableFuture<WorkerResponse> last = submitted.get(30, TimeUnit.SECONDS);
      assertThat(replacing.failure()).isInstanceOf(InterruptedException.class);
      old.answer(old.await());
      result(last);
      awaitEnd(old);
      assertThat(fresh.hasEnded()).isFalse();
      CompletableFuture<WorkerResponse> next = pool.submit(WorkerRequest.empty());
      fresh.answer(fresh.await());
      result(next);
    }
  }

  private static void awaitEnd(FakeHost.Worker worker) {
    while (!worker.hasEnded()) {
      Thread.onSpinWait();
    }
  }

  @Test
  void aReplacementThatIsBeingStartedEndsWithTheInterrupt() throws Exception {
    try (WorkerPool pool = host.workers().open()) {
      FakeHost.Worker old = host.next();
      host.workersBeginLater();
      CompletableFuture<Replacing> replacing = new CompletableFuture<>();
      host.beforeStart(
          () -> {
            Replacing thread = replacing.join();
            awaitState(thread, Thread.State.WAITING);
            thread.interrupt();
            assertThat(thread.failure()).isInstanceOf(InterruptedException.class);
          });
      replacing.complete(new Replacing(pool));
      awaitEnd(host.next()); // which has never begun to serve
      CompletableFuture<WorkerResponse> next = pool.submit(WorkerRequest.empty());
      old.answer(old.await());
      result(next);
    }
  }

  // Taking requests back.

  @Test
  void aRequestThatWaitsIsTakenBackAndOneUnderWayIsNot() throws Exception {
    try (WorkerPool pool = host.workers().queue(1).open()) {
      FakeHost.Worker worker = host.next();
      CompletableFuture<WorkerResponse> begun = pool.submit(WorkerRequest.empty());
      SharedBlock block = host.heap().allocate(10);
      long address = block.address();
      CompletableFuture<WorkerResponse> waiting =
          pool.submit(WorkerRequest.empty().withBlock(block));
      assertThat(pool.withdraw(begun)).isFalse();
      assertThat(begun).isNotDone();
      assertThat(pool.withdraw(waiting)).isTrue();
      assertThat(waiting).isCancelled();
      assertThat(host.heap().usableSize(address)).isEmpty();
      assertThat(pool.withdraw(waiting)).isFalse();
      CompletableFuture<WorkerResponse> last = pool.submit(WorkerRequest.empty()); // there is room
      worker.answer(worker.await());
      result(begun);
      worker.answer(worker.await());
      result(last);
      assertThat(worker.take()).isEmpty();
    }
  }

  /** Returns when a thread waits for room; completes when it has submitted. */
  private static CompletableFuture<CompletableFuture<WorkerResponse>> submitter(
      WorkerPool pool, WorkerRequest request) {
    return submitter(pool, request, Thread.State.WAITING);
  }

  private static CompletableFuture<CompletableFuture<WorkerResponse>> submitter(
      WorkerPool pool, WorkerRequest request, Thread.State state) {
    CompletableFuture<CompletableFuture<WorkerResponse>> submitted = new CompletableFuture<>();
    Thread thread =
        new Thread(
            () -> {
              try {
                submitted.complete(pool.submit(request));
              } catch (Throwable failed) {
                submitted.completeExceptionally(failed);
              }
            },
            "submitter");
    thread.setDaemon(true);
    thread.start();
    awaitState(thread, state);
    return submitted;
  }
}
