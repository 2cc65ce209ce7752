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
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * One process of a pool, from its start to its end. The thread of its place receives what it
 * answers; any thread sends.
 *
 * <p>Each has two channels of its own: a worker that stands still in the middle of sending holds up
 * what comes after it in that channel.
 */
final class Instance {
  /** One that has served for so long was well, also when it had nothing to do. */
  private static final Duration LONG = Duration.ofMinutes(1);

  /** How long a program may take to end by itself when it does not serve any more. */
  private static final long EXIT_SECONDS = 5;

  private static final int BATCH = 64;

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
  private final Map<Long, Task> inFlight = new HashMap<>(); // guarded by lock
  private final AtomicReference<@Nullable String> cause = new AtomicReference<>();
  private boolean ready; // guarded by lock
  private boolean ended; // guarded by lock
  private boolean hasServed; // of the thread that serves

  // Guarded by the pool's lock.
  int load;
  boolean accepts;
  boolean isFull;
  boolean leaves;

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
    process.onExit().thenRun(this::endBeginning);
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
    lock.lock();
    try {
      ready = true;
    } finally {
      lock.unlock();
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
    lock.lock();
    try {
      if (ended) {
        return Sent.ENDED;
      }
      inFlight.put(task.id(), task);
      startTimer(task);
      if (trySend(task)) {
        task.setBlock(null);
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
    task.stopTimer();
  }

  private void startTimer(Task task) {
    Duration limit = task.limit(options.requestLimit());
    if (limit != null) {
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
        takeAll(receiveBatch());
      }
    } catch (SharedMemoryException ending) {
      if (ending.errno() != Errno.EPIPE) {
        kill("what it answers cannot be received: " + ending.getMessage());
      }
    } catch (IllegalArgumentException nonsense) {
      kill("it sent what no worker sends: " + nonsense.getMessage());
    } finally {
      hasServed |= System.nanoTime() - start > LONG.toNanos();
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
    Task task = find(answer.id());
    byte[] data = answer.isElsewhere() && task != null ? task.part() : answer.data();
    if (task == null || data.length != answer.size()) {
      Task.closeQuietly(block);
      throw new IllegalArgumentException("an answer to no request, or without its bytes");
    }
    forget(answer.id());
    hasServed = true;
    pool.answered(this); // first, so that it has work while dependents of the future run
    if (answer.kind() == Wire.RESPONSE) {
      task.complete(new WorkerResponse(data, block));
    } else {
      Task.closeQuietly(block);
      task.fail(failure(answer.code(), data));
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

  private void refuseMore() {
    lock.lock();
    try {
      ended = true;
    } finally {
      lock.unlock();
    }
  }

  private void closeAll() {
    try {
      requests.close();
      responses.close();
    } catch (IllegalStateException hostClosed) {
      // and the channels with it
    }
    process.close();
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
    forget(Wire.requestId(data));
    task.stopTimer();
    task.setBlock(block);
    found.add(task);
  }

  private void forget(long id) {
    lock.lock();
    try {
      inFlight.remove(id);
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
