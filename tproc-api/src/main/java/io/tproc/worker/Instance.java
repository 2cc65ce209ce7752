package io.tproc.worker;

import io.tproc.Errno;
import io.tproc.ExitStatus;
import io.tproc.ExitStatus.Exited;
import io.tproc.ExitStatus.Signalled;
import io.tproc.Signals;
import io.tproc.ThreadProc;
import io.tproc.share.Channel;
import io.tproc.share.Channel.Role;
import io.tproc.share.ChannelMessage;
import io.tproc.share.SharedBlock;
import io.tproc.share.SharedMemoryException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * One process of a pool, from its start to its end. The thread of its place receives what it
 * answers; any thread sends. A thread that calls receives the answer itself, once the place's
 * thread has left the channel to callers: two who sleep there would both be woken.
 *
 * <p>Each has two channels of its own: a worker that stands still in the middle of sending holds up
 * what comes after it in that channel.
 */
final class Instance {
  /** One that has served for so long was well, also when it had nothing to do. */
  private static final Duration RECEIVED_LIMIT = Duration.ofSeconds(5);

  private static final Duration LONG = Duration.ofMinutes(1);

  /** How long a program may take to end by itself when it does not serve any more. */
  private static final long EXIT_SECONDS = 5;

  private static final int BATCH = 64;

  /** The place's thread goes back to the channel when nobody has called for so long. */
  private static final long UNCALLED_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

  /** What became of a request that was to be sent. */
  enum Sent {
    YES,
    /** Its block is none any more, the host is closed, no memory: {@link Task#refusal}. */
    REFUSED,
    /** There is no room until the next answer. */
    NO_ROOM,
    /** The instance has ended. */
    ENDED
  }

  private final WorkerPool pool;
  private final Options options;
  private final Channel requests;
  private final Channel responses;
  private final ThreadProc process;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition receiving = lock.newCondition();
  private final Condition received = lock.newCondition();
  private final Map<Long, Task> inFlight = new HashMap<>(); // guarded by lock
  private final AtomicReference<@Nullable String> cause = new AtomicReference<>();
  private boolean ready; // guarded by lock
  private boolean endedBefore; // guarded by lock: before it was ready
  private boolean ended; // guarded by lock
  private boolean isCallers; // guarded by lock: the place's thread does not receive
  private boolean wasCalled; // guarded by lock: since that thread looked
  private boolean isLeft; // guarded by lock: the process may have ended, or is to
  private int receivers; // guarded by lock: calls that receive
  private volatile boolean hasServed;

  // Guarded by the pool's lock.
  int load;
  boolean accepts;
  boolean isFull;
  boolean leaves;

  /** What a caller has it to itself for. */
  @Nullable Task call;

  /** Starts a process. Nothing is left behind when that fails. */
  Instance(WorkerPool pool, Options options) throws IOException {
    this.pool = pool;
    this.options = options;
    // Twice as many as there can be: parts of responses, and threads that stand still in a cell.
    int cells = Math.max(BATCH, 4 * Integer.highestOneBit(options.inFlight()));
    // To receive, too: what the worker has not begun is taken back when it has ended.
    this.requests = channel(cells, Set.of(Role.SENDER, Role.RECEIVER), Role.SENDER);
    try {
      this.responses = channel(cells, Set.of(Role.RECEIVER), Role.RECEIVER);
    } catch (Throwable failed) {
      requests.close();
      throw failed;
    }
    try {
      this.process = options.start(Wire.variable(requests.id(), responses.id()));
    } catch (Throwable failed) {
      requests.close();
      responses.close();
      throw failed;
    }
  }

  private Channel channel(int cells, Set<Role> roles, Role alone) {
    return options.host().channels().create(cells, roles, Set.of(alone));
  }

  ThreadProc process() {
    return process;
  }

  // Its beginning.

  /** Waits until the program serves. */
  void awaitReady() throws WorkerStartException {
    process
        .onExit()
        .thenRun(
            () -> {
              endBeginning();
              leave();
            });
    Optional<ChannelMessage> first;
    try {
      first = receiveFirst();
    } catch (SharedMemoryException | IllegalStateException closed) {
      throw notServing("ended before it served", closed);
    }
    if (first.isEmpty()) {
      kill("it did not serve");
      String limit = options.startLimit().toString().substring(2).toLowerCase(Locale.ROOT);
      throw notServing("does not serve: it has not called tproc_serve in " + limit, null);
    }
    checkBegins(first.get());
    if (!begin()) {
      throw notServing("ended before it served", null);
    }
  }

  /** Returns whether it has not ended meanwhile, and with it the channel of its beginning. */
  private boolean begin() {
    lock.lock();
    try {
      ready = !endedBefore;
      return ready;
    } finally {
      lock.unlock();
    }
  }

  /** It has no request yet that it could answer. */
  private void checkBegins(ChannelMessage first) throws WorkerStartException {
    first.block().ifPresent(Task::closeQuietly);
    if (!Wire.isReady(first.data())) {
      kill("it sent what no worker sends first");
      throw notServing("does not serve", null);
    }
  }

  private Optional<ChannelMessage> receiveFirst() {
    for (; ; ) {
      try {
        return responses.receive(options.startLimit());
      } catch (InterruptedException notOurs) {
        continue;
      }
    }
  }

  /** A channel that its sender has never opened does not end with it. */
  private void endBeginning() {
    lock.lock();
    try {
      if (!ready) {
        endedBefore = true;
        responses.close();
      }
    } catch (IllegalStateException hostClosed) {
      // and the channel with it
    } finally {
      lock.unlock();
    }
  }

  private WorkerStartException notServing(String what, @Nullable Throwable why) {
    String how = cause.get() != null || !process.isAlive() ? ": " + how(awaitExit()) : "";
    return new WorkerStartException(name() + " " + what + how, why);
  }

  // Requests.

  /** Sends a request, whose limit begins. */
  Sent send(Task task) {
    return send(task, false);
  }

  /**
   * Sends the request of a thread that calls, and has this instance to itself. The thread sees to
   * the limit, if it is to receive: {@link Task#isCall} says so then.
   */
  Sent sendCall(Task task) {
    return send(task, true);
  }

  /** Who is to receive the answer is decided with the sending: the place's thread looks at both. */
  private Sent send(Task task, boolean isByCaller) {
    lock.lock();
    try {
      if (ended) {
        return Sent.ENDED;
      }
      task.isCall = isByCaller && isCallers;
      wasCalled |= isByCaller;
      inFlight.put(task.id(), task);
      startTimer(task);
      if (trySend(task)) {
        task.setBlock(null);
        receiveAgain();
        return Sent.YES;
      }
      forget(task);
      return Sent.NO_ROOM;
    } catch (Throwable refused) { // an Error too: the first limit starts a thread
      forget(task);
      task.refusal = refused;
      return Sent.REFUSED;
    } finally {
      lock.unlock();
    }
  }

  private boolean trySend(Task task) {
    SharedBlock block = task.block();
    return block == null
        ? requests.trySend(task.message())
        : requests.trySend(task.message(), block);
  }

  private void forget(Task task) {
    inFlight.remove(task.id());
    task.isCall = false;
    task.stopTimer();
  }

  private void startTimer(Task task) {
    Duration limit = task.limit(options.requestLimit());
    if (limit != null && !task.isCall) {
      task.setTimer(pool.schedule(() -> expire(task), limit));
    }
  }

  private void expire(Task task) {
    lock.lock();
    try {
      if (inFlight.get(task.id()) != task) {
        return;
      }
      task.isTimedOut = true;
      ended = true; // it may answer yet: what comes then is not to die for it
    } finally {
      lock.unlock();
    }
    kill("a request took longer than it may");
  }

  // Responses.

  /**
   * Receives what it answers, until it ends.
   *
   * @throws IllegalStateException when the host is closed, which ends it
   */
  void serve() {
    long start = System.nanoTime();
    try {
      while (true) {
        awaitTurn();
        takeAll(receiveBatch());
      }
    } catch (SharedMemoryException | IllegalArgumentException ending) {
      killFor(ending);
    } finally {
      hasServed |= System.nanoTime() - start > LONG.toNanos();
    }
  }

  /** The place's thread stays away from the channel while others call, and nothing else is sent. */
  private void awaitTurn() {
    lock.lock();
    try {
      while (isCallers) {
        wasCalled = false;
        boolean isOver = awaitReceiving() <= 0;
        isCallers &= !isOver || wasCalled || !inFlight.isEmpty();
      }
    } finally {
      lock.unlock();
    }
  }

  /** With lock held. What is left of the time. */
  private long awaitReceiving() {
    try {
      return receiving.awaitNanos(UNCALLED_NANOS);
    } catch (InterruptedException notOurs) {
      return UNCALLED_NANOS;
    }
  }

  /** With lock held: what was sent by others than callers is the place's thread's to receive. */
  private void receiveAgain() {
    if (isCallers && (isLeft || inFlight.values().stream().anyMatch(task -> !task.isCall))) {
      isCallers = false;
      receiving.signal();
    }
  }

  /** The process has ended, or is to: the place's thread is to see to it. */
  private void leave() {
    lock.lock();
    try {
      isLeft = true;
      receiveAgain();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Receives the answer to a call, in the thread that calls. Returns also without it: when the
   * thread is interrupted, whose status says so then, the time is over, or the process has ended.
   * From then on the place's thread receives.
   */
  void receiveCall(Task task) {
    Duration limit = task.limit(options.requestLimit());
    long deadline = limit == null ? Long.MAX_VALUE : System.nanoTime() + Limits.nanos(limit);
    beginCall();
    try {
      while (!task.future().isDone()) {
        List<ChannelMessage> messages =
            receive(limit == null ? Long.MAX_VALUE : deadline - System.nanoTime());
        if (messages.isEmpty()) {
          expire(task);
          break;
        }
        takeAll(messages);
      }
    } catch (InterruptedException cancelled) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException | Error ending) {
      killFor(ending);
      leave();
    } finally {
      endCall(task, deadline);
    }
  }

  private List<ChannelMessage> receive(long nanos) throws InterruptedException {
    return nanos == Long.MAX_VALUE
        ? responses.receiveBatch(BATCH)
        : responses.receiveBatch(BATCH, Duration.ofNanos(Math.max(nanos, 0)));
  }

  private void beginCall() {
    lock.lock();
    try {
      receivers++;
    } finally {
      lock.unlock();
    }
  }

  /** What is under way still is the place's thread's to receive. */
  private void endCall(Task task, long deadline) {
    lock.lock();
    try {
      task.isCall = false;
      receivers--;
      received.signal();
      receiveAgain();
      if (inFlight.get(task.id()) == task && deadline != Long.MAX_VALUE && !task.isTimedOut) {
        Duration left = Duration.ofNanos(Math.max(deadline - System.nanoTime(), 0));
        task.setTimer(pool.schedule(() -> expire(task), left));
      }
    } finally {
      lock.unlock();
    }
  }

  /** It has not ended by itself, and its host has not been closed. */
  private void killFor(Throwable ending) {
    if (ending instanceof SharedMemoryException failed) {
      if (failed.errno() != Errno.EPIPE) {
        kill("what it answers cannot be received: " + failed.getMessage());
      }
    } else if (ending instanceof IllegalArgumentException) {
      kill("it sent what no worker sends: " + ending.getMessage());
    } else if (!(ending instanceof IllegalStateException)) {
      kill("the pool failed: " + ending);
    }
  }

  private List<ChannelMessage> receiveBatch() {
    for (; ; ) {
      try {
        return responses.receiveBatch(BATCH);
      } catch (InterruptedException notOurs) {
        continue; // of a dependent of a future, which has run here
      }
    }
  }

  /** Takes all, also those after one that fails: they have blocks, and answer requests. */
  private void takeAll(List<ChannelMessage> messages) {
    Throwable failure = null;
    for (ChannelMessage each : messages) {
      try {
        take(each);
      } catch (RuntimeException | Error failed) {
        refuseMore(); // it is ended after this
        failure = failure == null ? failed : failure;
      }
    }
    if (failure instanceof Error error) {
      throw error;
    }
    if (failure instanceof RuntimeException exception) {
      throw exception;
    }
  }

  private void take(ChannelMessage message) {
    SharedBlock block = message.block().orElse(null);
    Wire.Answer answer;
    try {
      answer = Wire.answer(message.data());
    } catch (IllegalArgumentException nonsense) {
      Task.closeQuietly(block);
      throw nonsense;
    }
    switch (answer.kind()) {
      case Wire.PART -> takePart(answer, block);
      case Wire.RESPONSE, Wire.FAILURE -> takeAnswer(answer, block);
      default -> Task.closeQuietly(block); // one more thread serves
    }
  }

  private void takePart(Wire.Answer answer, @Nullable SharedBlock block) {
    try {
      if (block == null || block.size() < answer.size()) {
        throw new IllegalArgumentException("a part of " + answer.size() + " bytes without them");
      }
      Task task = find(answer.id());
      if (task != null) {
        byte[] bytes = new byte[answer.size()];
        block.buffer().get(bytes);
        task.setPart(bytes);
      }
    } finally {
      Task.closeQuietly(block);
    }
  }

  private void takeAnswer(Wire.Answer answer, @Nullable SharedBlock block) {
    Task task = answered(answer);
    if (task == null) {
      Task.closeQuietly(block);
      throw new IllegalArgumentException("an answer to no request, or without its bytes");
    }
    byte[] data = data(task, answer);
    hasServed = true;
    pool.answered(this, task); // first, so that it has work while dependents of the future run
    if (answer.kind() == Wire.RESPONSE) {
      task.complete(new WorkerResponse(data, block));
    } else {
      Task.closeQuietly(block);
      task.fail(failure(answer.code(), data));
    }
  }

  private static byte[] data(Task task, Wire.Answer answer) {
    return answer.isElsewhere() ? task.part() : answer.data();
  }

  /**
   * What is answered, under way no more: for one of those who receive, or see to the end. Null when
   * there is no such request, or not all of the answer. It is for callers to receive from here on,
   * when they have called: before they call again.
   */
  private @Nullable Task answered(Wire.Answer answer) {
    lock.lock();
    try {
      Task task = inFlight.get(answer.id());
      if (task == null || data(task, answer).length != answer.size()) {
        return null;
      }
      inFlight.remove(answer.id());
      isCallers |= wasCalled && inFlight.isEmpty() && !isLeft;
      return task;
    } finally {
      lock.unlock();
    }
  }

  private WorkerFailedException failure(int code, byte[] text) {
    String why = text.length == 0 ? "code " + code : new String(text, StandardCharsets.UTF_8);
    return new WorkerFailedException(
        name() + " has not served a request: " + why, process.pid(), code);
  }

  private @Nullable Task find(long id) {
    lock.lock();
    try {
      return inFlight.get(id);
    } finally {
      lock.unlock();
    }
  }

  /** Whether it has answered a request, or was there for long. */
  boolean hasServed() {
    return hasServed;
  }

  // Its end.

  /** Ends the process, for the first cause that is given. Does not wait. */
  void kill(String why) {
    cause.compareAndSet(null, why);
    process.signal(Signals.SIGKILL);
  }

  /** Lets the program end by itself when it has nothing to do; else kills it. Does not wait. */
  void stop() {
    stop("the pool was closed");
  }

  /** As {@link #stop()}, with what is said when it is killed. */
  void stop(String why) {
    lock.lock();
    try {
      if (ready && inFlight.isEmpty()) {
        ended = true;
        requests.close();
        isLeft = true;
        receiveAgain();
        return;
      }
    } catch (IllegalStateException hostClosed) {
      // which kills it
    } finally {
      lock.unlock();
    }
    kill(why);
  }

  /** Waits for the end of the process, and passes on all that it had. */
  void end() {
    refuseMore();
    pool.retire(this);
    ExitStatus status = awaitExit();
    awaitReceived();
    List<Task> notBegun = takeBack();
    List<Task> lost;
    lock.lock();
    try {
      lost = new ArrayList<>(inFlight.values());
      inFlight.clear();
    } finally {
      lock.unlock();
    }
    pool.giveBack(notBegun);
    pool.lost(lost, task -> exception(task, status));
    closeAll();
  }

  /**
   * A call that has received its answer is answered, unless its thread takes very long over it: it
   * may run what depends on other requests, which may wait for this.
   */
  private void awaitReceived() {
    close(responses); // those that wait still go
    lock.lock();
    try {
      long left = RECEIVED_LIMIT.toNanos();
      while (receivers > 0 && left > 0) {
        left = awaitReceived(left);
      }
    } finally {
      lock.unlock();
    }
  }

  /** With lock held. What is left of the time. */
  private long awaitReceived(long nanos) {
    long end = System.nanoTime() + nanos;
    try {
      return received.awaitNanos(nanos);
    } catch (InterruptedException notOurs) {
      return end - System.nanoTime();
    }
  }

  private void refuseMore() {
    lock.lock();
    try {
      ended = true;
    } finally {
      lock.unlock();
    }
  }

  private void closeAll() {
    close(requests);
    close(responses);
    process.close();
  }

  private static void close(Channel channel) {
    try {
      channel.close();
    } catch (IllegalStateException hostClosed) {
      // and the channel with it
    }
  }

  private ExitStatus awaitExit() {
    long seconds = pool.isStopping() ? Long.MAX_VALUE : EXIT_SECONDS;
    boolean exited = false;
    while (!exited) {
      try {
        exited = process.waitFor(seconds, TimeUnit.SECONDS);
        if (!exited) {
          kill("it stopped serving");
        }
      } catch (InterruptedException notOurs) {
        continue;
      }
    }
    return process.exitStatus().orElseThrow();
  }

  /**
   * The requests that the worker had not come to. Killed for one of them, it does not come back.
   */
  private List<Task> takeBack() {
    List<Task> found = new ArrayList<>();
    while (takeNextBack(found)) {}
    return found;
  }

  /** False when nothing is in the channel. */
  private boolean takeNextBack(List<Task> found) {
    try {
      Optional<ChannelMessage> next = requests.tryReceive();
      next.ifPresent(message -> takeBack(message, found));
      return next.isPresent();
    } catch (SharedMemoryException failed) {
      return failed.errno() == Errno.EBADMSG; // one whose block was freed; behind it are others
    } catch (IllegalStateException closed) {
      return false;
    }
  }

  private void takeBack(ChannelMessage message, List<Task> found) {
    ByteBuffer data = message.data();
    Task task = find(Wire.requestId(data));
    SharedBlock block = message.block().orElse(null);
    if (task == null || task.isTimedOut) {
      Task.closeQuietly(block);
      return;
    }
    takenBack(task);
    task.setBlock(block);
    found.add(task);
  }

  private void takenBack(Task task) {
    lock.lock();
    try {
      forget(task);
    } finally {
      lock.unlock();
    }
  }

  private WorkerCrashedException exception(Task task, ExitStatus status) {
    if (task.isTimedOut) {
      Duration limit = task.limit(options.requestLimit());
      return new WorkerTimeoutException(
          name() + " did not answer within " + limit + ", and was killed", process.pid(), status);
    }
    return new WorkerCrashedException(
        name() + " did not answer: " + how(status), process.pid(), status);
  }

  /** How it ended, for the message of an exception. */
  String how(ExitStatus status) {
    String why = cause.get();
    if (why != null) {
      return "it was killed, since " + why;
    }
    return status instanceof Exited exited
        ? "it called exit(" + exited.code() + ")"
        : ((Signalled) status).signalName();
  }

  String name() {
    return options.name() + " (pid " + process.pid() + ")";
  }
}
