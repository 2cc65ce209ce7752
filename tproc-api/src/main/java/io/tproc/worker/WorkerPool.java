package io.tproc.worker;

import io.tproc.ThreadProc;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Several workers, which are hosted programs that serve requests with {@code tproc_serve}. Each
 * request goes to the worker that has the fewest, or waits for one. A worker that has ended is
 * replaced ({@link WorkerPoolBuilder#restarts}).
 *
 * <p><strong>Results.</strong> The future of a request completes with the {@link WorkerResponse},
 * or with {@link WorkerFailedException} (the handler has refused it), {@link
 * WorkerCrashedException} (its worker has ended), {@link WorkerTimeoutException} (its worker was
 * killed, because it took too long), {@link WorkerStartException} (no worker can be started any
 * more) or IllegalStateException (the pool or its host was closed before a worker had it). Of the
 * requests in a worker that ends, those that it had not begun go to another. When a future
 * completes with any of these, no worker uses the request's buffers any more.
 *
 * <p><strong>Cancelling.</strong> A future that is cancelled, or completed otherwise by its user,
 * takes its request out of the queue. A worker that has it already finishes it, and uses its
 * buffers until then; the response is dropped.
 *
 * <p><strong>Dependents</strong> of futures run on a thread of the pool's, as a rule the one that
 * receives the worker's responses, and on a thread that submits or closes when a request fails
 * there: what takes long is for the {@code Async} methods. On the pool's threads {@link #submit}
 * and {@link #close} refuse to wait. Waiting there for another future of the pool is not noticed,
 * and may last for ever: with one worker it is that thread which would receive it.
 *
 * <p>Thread-safe. A pool that is forgotten stays open until its host is closed.
 */
public final class WorkerPool implements AutoCloseable {
  private static final String REPLACED = "it was replaced";

  private volatile Options options; // of a command that is replaced; written with replacing held
  private final AtomicLong ids = new AtomicLong();
  private final List<Place> places = new CopyOnWriteArrayList<>();
  private final ReentrantLock replacing = new ReentrantLock();
  private final ScheduledThreadPoolExecutor limits;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition room = lock.newCondition();
  private final Condition changed = lock.newCondition();

  // Guarded by lock.
  private final Deque<Task> waiting = new ArrayDeque<>();
  private final List<Instance> serving = new ArrayList<>();
  private int underWay;
  private int placesLeft;
  private int readyOnce;
  private boolean opened;
  private boolean closing;
  private volatile boolean stopping;
  private @Nullable Throwable failure;

  private WorkerPool(Options options) {
    this.options = options;
    this.placesLeft = options.count();
    this.limits = new ScheduledThreadPoolExecutor(1, WorkerPool::newLimitThread);
    limits.setRemoveOnCancelPolicy(true);
    for (int i = 0; i < options.count(); i++) {
      places.add(new Place(this, options));
    }
  }

  private static Thread newLimitThread(Runnable work) {
    Thread thread = new Thread(null, work, "tproc-limits", 0, false);
    thread.setDaemon(true);
    return thread;
  }

  // Opening.

  static WorkerPool open(Options options) throws IOException, InterruptedException {
    WorkerPool pool = new WorkerPool(options);
    boolean done = false;
    try {
      pool.places.forEach(Place::start);
      pool.awaitOpen();
      done = true;
      return pool;
    } finally {
      if (!done) {
        pool.close(Duration.ZERO);
      }
    }
  }

  private void awaitOpen() throws IOException, InterruptedException {
    lock.lockInterruptibly();
    try {
      while (!opened && failure == null) {
        changed.await();
      }
      if (!opened) {
        throwCause(Objects.requireNonNull(failure));
      }
    } finally {
      lock.unlock();
    }
  }

  private static void throwCause(Throwable cause) throws IOException {
    if (cause instanceof IOException refused) {
      throw refused;
    }
    if (cause instanceof RuntimeException refused) {
      throw refused;
    }
    if (cause instanceof Error refused) {
      throw refused;
    }
    throw new IllegalStateException(cause);
  }

  // Submitting.

  /**
   * Submits a request, and waits while as many wait for a worker as may ({@link
   * WorkerPoolBuilder#queue}).
   *
   * @param request what is asked; its block is the pool's once it is accepted, and after an
   *     exception the caller's still
   * @return completes with the response, as this class says
   * @throws InterruptedException when the thread is interrupted while it waits; the request is not
   *     submitted
   * @throws IllegalStateException when the pool is closed, or no worker can be started any more;
   *     when the request's block has been freed or given away; and when it would have to wait on a
   *     thread of the pool's
   * @throws io.tproc.share.SharedMemoryException with ENOMEM: the shared heap is full
   */
  public CompletableFuture<WorkerResponse> submit(WorkerRequest request)
      throws InterruptedException {
    return submit(request, Long.MAX_VALUE).orElseThrow();
  }

  /**
   * Submits a request, if there is room.
   *
   * @param request what is asked; its block is the pool's once it is accepted
   * @return completes with the response, as this class says; empty when as many wait for a worker
   *     as may: the request is not submitted
   * @throws IllegalStateException as {@link #submit}
   * @throws io.tproc.share.SharedMemoryException with ENOMEM: the shared heap is full
   */
  public Optional<CompletableFuture<WorkerResponse>> trySubmit(WorkerRequest request) {
    try {
      return submit(request, 0);
    } catch (InterruptedException impossible) {
      throw new IllegalStateException(impossible); // it has not waited
    }
  }

  /**
   * Submits a request, and waits for room.
   *
   * @param request what is asked; its block is the pool's once it is accepted
   * @param timeout how long it may wait for room
   * @return completes with the response, as this class says; empty when the time is over: the
   *     request is not submitted
   * @throws InterruptedException when the thread is interrupted while it waits; the request is not
   *     submitted
   * @throws IllegalStateException as {@link #submit}
   * @throws io.tproc.share.SharedMemoryException with ENOMEM: the shared heap is full
   */
  public Optional<CompletableFuture<WorkerResponse>> trySubmit(
      WorkerRequest request, Duration timeout) throws InterruptedException {
    return submit(request, Limits.nanos(timeout));
  }

  // Calling.

  /**
   * Submits a request, and waits for its response. The shortest way: as long as a worker has
   * nothing to do, the calling thread gives it the request, and receives the response by itself; no
   * other thread is woken. While it waits it looks busily for some microseconds, as long as that
   * pays. The worker gets no other request meanwhile, whatever {@link WorkerPoolBuilder#inFlight}
   * says. When all have some, this is as {@link #submit} and {@link CompletableFuture#get()}.
   *
   * <p>On a virtual thread, the carrier is free while it waits.
   *
   * @param request what is asked; its block is the pool's once it is accepted
   * @return the response
   * @throws WorkerFailedException when the handler has refused the request
   * @throws WorkerCrashedException when the worker has ended
   * @throws WorkerTimeoutException when the worker was killed, because it took too long
   * @throws WorkerStartException when no worker can be started any more
   * @throws InterruptedException when the thread is interrupted, before or while it waits. A worker
   *     that has the request already finishes it, and uses its buffers until then; the response is
   *     dropped
   * @throws IllegalStateException as {@link #submit}; when the pool or its host was closed before a
   *     worker had the request; and on a thread of the pool's
   * @throws io.tproc.share.SharedMemoryException with ENOMEM: the shared heap is full
   */
  public WorkerResponse call(WorkerRequest request)
      throws WorkerStartException, InterruptedException {
    return await(submitAndWait(request), late -> late.block().ifPresent(Task::closeQuietly));
  }

  /**
   * Takes a request back that no worker has: its future is cancelled. Unlike {@link
   * CompletableFuture#cancel} of it, this leaves a request that a worker has as it is, so that its
   * future says when the worker has done with it.
   *
   * @param future one that this pool gave
   * @return whether it has been taken back. Otherwise nothing has changed: a worker has it, it is
   *     complete, or it is just being passed to a worker, or on to another one
   */
  public boolean withdraw(CompletableFuture<WorkerResponse> future) {
    Objects.requireNonNull(future, "future");
    Task task = future.isDone() ? null : takeWaiting(future);
    if (task == null) {
      return false;
    }
    task.release();
    future.cancel(false);
    return true;
  }

  private @Nullable Task takeWaiting(CompletableFuture<WorkerResponse> future) {
    lock.lock();
    try {
      for (Task each : waiting) {
        if (each.future() == future) {
          each.waits = false;
          waiting.remove(each);
          ended(1);
          room.signal();
          return each;
        }
      }
      return null;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits for a future of a pool's, or one that was made of such, and throws what it failed with,
   * as {@link #call} does.
   *
   * @param <T> of the result
   * @param future cancelled when the thread is interrupted while it waits
   * @param drop called with a result that has come nevertheless, which nobody gets
   * @return the result
   * @throws WorkerException as {@link #call}
   * @throws CancellationException when the future was cancelled
   * @throws WorkerStartException as {@link #call}
   * @throws InterruptedException when the thread is interrupted while it waits
   * @throws IllegalStateException as {@link #call}
   */
  public static <T> T await(CompletableFuture<T> future, Consumer<? super T> drop)
      throws WorkerStartException, InterruptedException {
    Objects.requireNonNull(drop, "drop");
    try {
      return future.get();
    } catch (ExecutionException failed) {
      throw thrown(Objects.requireNonNull(failed.getCause()));
    } catch (InterruptedException cancelled) {
      if (!future.cancel(false)) {
        var unused = future.thenAccept(drop); // it has come meanwhile
      }
      throw cancelled;
    }
  }

  private static RuntimeException thrown(Throwable failure) throws WorkerStartException {
    if (failure instanceof WorkerStartException refused) {
      throw refused;
    }
    if (failure instanceof Error refused) {
      throw refused;
    }
    return failure instanceof RuntimeException refused
        ? refused
        : new IllegalStateException(failure);
  }

  /**
   * Submits a request, and waits for what becomes of it, as {@link #call} does.
   *
   * @param request what is asked; its block is the pool's once it is accepted
   * @return is complete, with the response or as this class says; but when the thread was
   *     interrupted while it waited, it may not be, and is as one of {@link #submit}. The thread's
   *     interrupt status is set then
   * @throws InterruptedException when the thread is interrupted before the request is submitted
   * @throws IllegalStateException as {@link #submit}, and on a thread of the pool's
   * @throws io.tproc.share.SharedMemoryException with ENOMEM: the shared heap is full
   */
  public CompletableFuture<WorkerResponse> submitAndWait(WorkerRequest request)
      throws InterruptedException {
    Objects.requireNonNull(request, "request");
    checkNotOwnThread("wait for a response");
    if (Thread.interrupted()) {
      throw new InterruptedException();
    }
    Task task = new Task(options.host(), ids.incrementAndGet(), request);
    Instance idle;
    boolean accepted = false;
    try {
      idle = accept(task);
      accepted = idle != null || submit(task, Long.MAX_VALUE);
    } finally {
      if (!accepted) {
        task.release();
      }
    }
    if (idle != null) {
      exchange(idle, task);
      watch(task);
    }
    if (!task.future().isDone()) {
      awaitDone(task);
    }
    if (idle != null && !task.future().isDone()) {
      giveUp(idle, task);
    }
    return task.future();
  }

  private void awaitDone(Task task) {
    try {
      task.future().get();
    } catch (InterruptedException cancelled) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | CancellationException failed) {
      // which the caller is to see
    }
  }

  /** Gives a task to a worker that has nothing to do, and is the calling thread's then; or null. */
  private @Nullable Instance accept(Task task) {
    lock.lock();
    try {
      checkOpen();
      Instance idle = waiting.isEmpty() ? freest() : null;
      if (idle == null || idle.load > 0) {
        return null;
      }
      task.accept();
      underWay++;
      idle.load++;
      idle.call = task;
      return idle;
    } finally {
      lock.unlock();
    }
  }

  private void exchange(Instance instance, Task task) {
    if (!sent(instance, task, instance.sendCall(task))) {
      passOn();
      fail(task);
    } else if (task.isCall) {
      instance.receiveCall(task);
    }
  }

  /**
   * Others may have an instance again, though it has not answered; but when it has meanwhile, it
   * may be another caller's.
   */
  void giveUp(Instance instance, Task task) {
    lock.lock();
    try {
      endCall(instance, task);
    } finally {
      lock.unlock();
    }
    passOn();
  }

  /** With lock held. */
  private static void endCall(Instance instance, Task task) {
    if (instance.call == task) {
      instance.call = null;
    }
  }

  private Optional<CompletableFuture<WorkerResponse>> submit(WorkerRequest request, long nanos)
      throws InterruptedException {
    Objects.requireNonNull(request, "request");
    if (nanos <= 0 && isFull()) {
      return Optional.empty(); // before anything is allocated and copied in vain
    }
    Task task = new Task(options.host(), ids.incrementAndGet(), request);
    boolean accepted = false;
    try {
      accepted = submit(task, nanos);
      return accepted ? Optional.of(task.future()) : Optional.empty();
    } finally {
      if (!accepted) {
        task.release();
      }
    }
  }

  /** False when the time is over. */
  private boolean submit(Task task, long nanos) throws InterruptedException {
    @Nullable Instance direct;
    lock.lock();
    try {
      if (!awaitRoom(nanos)) {
        return false;
      }
      task.accept();
      underWay++;
      direct = waiting.isEmpty() ? freest() : null;
      if (direct != null) {
        direct.load++;
      } else {
        task.waits = true;
        waiting.add(task);
      }
    } finally {
      if (hasRoom()) {
        room.signal(); // room may have come for several, of whom one was woken
      }
      lock.unlock();
    }
    watch(task);
    if (direct != null && !send(direct, task)) {
      passOn();
      fail(task);
    }
    return true;
  }

  /** False when the time is over. */
  private boolean awaitRoom(long nanos) throws InterruptedException {
    long left = nanos;
    checkOpen();
    while (!hasRoom()) {
      if (left <= 0) {
        return false;
      }
      checkNotOwnThread("wait for room");
      if (left == Long.MAX_VALUE) {
        room.await();
      } else {
        left = room.awaitNanos(left);
      }
      checkOpen();
    }
    return true;
  }

  private boolean isFull() {
    lock.lock();
    try {
      checkOpen();
      return !hasRoom();
    } finally {
      lock.unlock();
    }
  }

  private boolean hasRoom() {
    return waiting.size() < options.queue() || waiting.isEmpty() && freest() != null;
  }

  private void checkOpen() {
    if (closing) {
      throw closed();
    }
    if (placesLeft == 0) {
      throw new IllegalStateException("no worker is left: " + this, failure);
    }
  }

  /** What requests fail with: IllegalStateException, as of all else, when the host is closed. */
  private Exception noWorkerLeft(@Nullable Throwable why) {
    String what = "no worker is left: " + this;
    return why instanceof IllegalStateException
        ? new IllegalStateException(what + ", for " + why.getMessage(), why)
        : new WorkerStartException(what, why);
  }

  private IllegalStateException closed() {
    return new IllegalStateException("the pool is closed: " + this);
  }

  /** Who completes the future otherwise does not want it any more. */
  private void watch(Task task) {
    var unused = task.future().whenComplete((response, failed) -> disown(task));
  }

  private void disown(Task task) {
    if (!task.waits) {
      return;
    }
    boolean removed;
    lock.lock();
    try {
      removed = waiting.remove(task);
      if (removed) {
        ended(1);
        room.signal();
      }
    } finally {
      lock.unlock();
    }
    if (removed) {
      task.release();
    }
  }

  /** With lock held: so many requests are under way no more. */
  private void ended(int count) {
    underWay -= count;
    if (underWay == 0) {
      changed.signalAll();
    }
  }

  // Passing requests to workers.

  /** With lock held. */
  private @Nullable Instance freest() {
    @Nullable Instance best = null;
    for (Instance each : serving) {
      boolean hasRoom = !each.isFull && each.call == null && each.load < options.inFlight();
      boolean canHave = each.accepts && hasRoom;
      if (canHave && (best == null || each.load < best.load)) {
        best = each;
      }
    }
    return best;
  }

  /** Passes on what waits, as long as a worker can have it. What is refused fails after that. */
  private void passOn() {
    List<Task> refused = new ArrayList<>();
    for (; ; ) {
      Instance instance;
      Task task;
      lock.lock();
      try {
        room.signal(); // also when nothing waits: a worker may have come free
        instance = waiting.isEmpty() ? null : freest();
        if (instance == null) {
          break;
        }
        task = waiting.remove();
        task.waits = false;
        instance.load++;
      } finally {
        lock.unlock();
      }
      if (!send(instance, task)) {
        refused.add(task);
      }
    }
    refused.forEach(WorkerPool::fail);
  }

  /** False when it is refused: then its place is free again, and it is to be failed. */
  private boolean send(Instance instance, Task task) {
    return sent(instance, task, instance.send(task));
  }

  private boolean sent(Instance instance, Task task, Instance.Sent sent) {
    if (sent == Instance.Sent.YES) {
      return true;
    }
    boolean isStuck;
    boolean isLeaving;
    lock.lock();
    try {
      instance.load--;
      endCall(instance, task);
      isLeaving = instance.leaves && instance.load == 0;
      isStuck = sent == Instance.Sent.NO_ROOM && instance.load == 0;
      instance.isFull = sent == Instance.Sent.NO_ROOM;
      instance.accepts &= sent != Instance.Sent.ENDED && !isStuck;
      if (sent == Instance.Sent.REFUSED) {
        ended(1);
      }
    } finally {
      lock.unlock();
    }
    if (isStuck) {
      instance.kill("its channel is full, and it has no request");
    } else if (isLeaving) {
      instance.stop(REPLACED);
    }
    if (sent == Instance.Sent.REFUSED) {
      return false;
    }
    giveBack(List.of(task));
    return true;
  }

  private static void fail(Task task) {
    task.fail(Objects.requireNonNull(task.refusal));
  }

  // What instances report.

  void ready(Place place, Instance instance) {
    boolean leaves;
    lock.lock();
    try {
      leaves = place.leaves;
      instance.accepts = !leaves;
      if (!leaves) {
        serving.add(instance);
      }
      place.wasReady = true;
      readyOnce++;
      opened |= readyOnce == options.count() && failure == null;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    if (leaves) {
      instance.stop(REPLACED);
    }
    passOn();
  }

  void answered(Instance instance, Task task) {
    boolean isLeaving;
    lock.lock();
    try {
      instance.load--;
      endCall(instance, task);
      instance.isFull = false;
      isLeaving = instance.leaves && instance.load == 0;
      ended(1);
    } finally {
      lock.unlock();
    }
    if (isLeaving) {
      instance.stop(REPLACED);
    }
    passOn();
  }

  void retire(Instance instance) {
    lock.lock();
    try {
      instance.accepts = false;
      serving.remove(instance);
    } finally {
      lock.unlock();
    }
  }

  /** Requests that no worker has begun go to the next that is free. */
  void giveBack(List<Task> tasks) {
    List<Task> refused = new ArrayList<>();
    Throwable last;
    lock.lock();
    try {
      last = failure;
      for (int i = tasks.size() - 1; i >= 0; i--) {
        Task task = tasks.get(i);
        if (stopping || placesLeft == 0 || task.future().isDone()) {
          refused.add(task);
          ended(1);
        } else {
          task.waits = true;
          waiting.addFirst(task);
        }
      }
    } finally {
      lock.unlock();
    }
    refused.forEach(task -> task.fail(stopping ? closed() : noWorkerLeft(last)));
    passOn();
    tasks.stream().filter(task -> task.future().isDone()).forEach(this::disown);
  }

  void lost(List<Task> tasks, Function<Task, Throwable> why) {
    lock.lock();
    try {
      ended(tasks.size());
    } finally {
      lock.unlock();
    }
    tasks.forEach(task -> task.fail(why.apply(task)));
  }

  /**
   * An instance has ended, or could not be started. Returns whether to start another, which is
   * after the pause; without one, the place is given up, as is one that leaves, and a replacement
   * that has never served.
   */
  boolean pause(Place place, OptionalLong nanos, Throwable why) {
    List<Task> abandoned = List.of();
    lock.lock();
    try {
      if (!opened && failure == null) {
        failure = why;
        changed.signalAll();
      }
      if (nanos.isEmpty() || place.isReplacement && !place.wasReady) {
        place.leaves = true;
      } else {
        awaitStopping(place, nanos.orElse(0));
      }
      if (place.leaves) {
        place.hasLeft = true;
        place.whyLeft = why;
        if (place.isReplaced || place.isReplacement && !place.wasReady) {
          places.remove(place);
        }
        changed.signalAll();
        abandoned = giveUp(why);
      }
      return !place.leaves && !stopping;
    } finally {
      lock.unlock();
      abandoned.forEach(task -> task.fail(noWorkerLeft(why)));
    }
  }

  /** With lock held. */
  private List<Task> giveUp(Throwable why) {
    placesLeft--;
    if (placesLeft > 0) {
      return List.of();
    }
    failure = why;
    List<Task> abandoned = takeWaiting();
    room.signalAll();
    changed.signalAll();
    return abandoned;
  }

  /** With lock held. */
  private List<Task> takeWaiting() {
    List<Task> all = new ArrayList<>(waiting);
    all.forEach(task -> task.waits = false);
    waiting.clear();
    ended(all.size());
    return all;
  }

  /** With lock held. */
  private void awaitStopping(Place place, long nanos) {
    long left = nanos;
    while (left > 0 && !stopping && !place.leaves) {
      try {
        left = changed.awaitNanos(left);
      } catch (InterruptedException notOurs) {
        continue;
      }
    }
  }

  Future<?> schedule(Runnable work, Duration after) {
    return limits.schedule(work, Limits.nanos(after), TimeUnit.NANOSECONDS);
  }

  boolean isStopping() {
    return stopping;
  }

  // Looking at it.

  /**
   * The workers that run now, those included that do not serve yet.
   *
   * @return an unmodifiable snapshot. The pool closes them, and starts others
   */
  public List<ThreadProc> workers() {
    return instances().stream().map(Instance::process).filter(ThreadProc::isAlive).toList();
  }

  /** How many requests have been accepted, and are not complete. */
  int underWay() {
    lock.lock();
    try {
      return underWay;
    } finally {
      lock.unlock();
    }
  }

  List<Instance> instances() {
    return places.stream().map(Place::current).filter(Objects::nonNull).toList();
  }

  @Override
  public String toString() {
    return "WorkerPool[" + options.count() + " of " + options.name() + "]";
  }

  // Replacing.

  /**
   * Replaces all workers, one after the other, while requests go on: by the program as its file is
   * now, and as {@link WorkerPoolBuilder#program} starts it now. As {@link #replace(List)} with the
   * same command.
   *
   * @throws IOException as {@link #replace(List)}
   * @throws InterruptedException as {@link #replace(List)}
   */
  public void replace() throws IOException, InterruptedException {
    replace(options.command());
  }

  /**
   * Replaces all workers, one after the other, by those of another program or version, while
   * requests go on. A new worker serves before an old one leaves. That one gets no more requests,
   * answers those it has, and then its {@code tproc_serve} returns; so no request is lost, and none
   * is served twice. When an old one takes longer than {@link WorkerPoolBuilder#closeLimit}, it is
   * killed, and its requests complete with {@link WorkerCrashedException}. For a while there is a
   * worker more than {@link WorkerPoolBuilder#count} says.
   *
   * <p>When a new worker does not come to serve, the old one of its place goes on, and those after
   * it: nothing has changed when it is the first. Replacing again is possible.
   *
   * @param command the program and its arguments; all else is as the builder was told
   * @throws IllegalArgumentException when the command is empty
   * @throws WorkerStartException when a new worker ended before it served, or does not serve in
   *     time
   * @throws IOException when the program cannot be started
   * @throws io.tproc.share.SharedMemoryException when there is no room in the shared heap
   * @throws InterruptedException when the thread is interrupted while it waits. A new worker that
   *     does not serve yet is ended; an old one that leaves does so by itself
   * @throws IllegalStateException when the pool is closed, or no worker is left; and when it is
   *     called on a thread of the pool's
   */
  public void replace(List<String> command) throws IOException, InterruptedException {
    Objects.requireNonNull(command, "command");
    if (command.isEmpty()) {
      throw new IllegalArgumentException("no program");
    }
    checkNotOwnThread("replace workers");
    replacing.lockInterruptibly();
    try {
      Options next = options.withCommand(List.copyOf(command));
      for (Place old : stayingPlaces()) {
        startReplacement(next);
        letLeave(old);
      }
      options = next;
    } finally {
      replacing.unlock();
    }
  }

  /** Not those that leave still, after a replacement that was interrupted. */
  private List<Place> stayingPlaces() {
    lock.lock();
    try {
      return places.stream().filter(place -> !place.isReplaced).toList();
    } finally {
      lock.unlock();
    }
  }

  /** Waits until it serves. Nothing is left of one that does not. */
  private void startReplacement(Options next) throws IOException, InterruptedException {
    Place place = new Place(this, next);
    boolean serves = false;
    lock.lockInterruptibly();
    try {
      checkOpen();
      place.isReplacement = true;
      place.start(); // there may be no thread for it
      places.add(place); // with closing not begun, so that who closes sees it
      placesLeft++;
      awaitReady(place);
      serves = place.wasReady;
      if (stopping) {
        throw closed();
      }
      if (!serves) {
        throwCause(Objects.requireNonNull(place.whyLeft));
      }
    } finally {
      if (!serves) {
        place.leaves = true;
      }
      lock.unlock();
      if (!serves) {
        place.kill(REPLACED); // its thread ends by itself
      }
    }
  }

  /**
   * With lock held. An interrupt that comes when it serves already is for what comes after: the old
   * worker is to leave then.
   */
  private void awaitReady(Place place) throws InterruptedException {
    try {
      while (!place.wasReady && !place.hasLeft && !stopping) {
        changed.await();
      }
    } catch (InterruptedException cancelled) {
      if (!place.wasReady) {
        throw cancelled;
      }
      Thread.currentThread().interrupt();
    }
  }

  /** Waits until the worker of a place has answered what it has, and has ended. */
  private void letLeave(Place old) throws InterruptedException {
    long left = Limits.nanos(options.closeLimit());
    stopIdle(old);
    lock.lockInterruptibly();
    try {
      while (!old.hasLeft && !stopping && left > 0) {
        left = changed.awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
    if (left <= 0) {
      old.kill("it was replaced, and did not end in time");
      awaitLeft(old);
    }
    if (stopping) {
      throw closed();
    }
  }

  /** It gets no more requests. Without any it ends now, else with its last answer. */
  private void stopIdle(Place old) {
    Instance now;
    lock.lock();
    try {
      old.isReplaced = true;
      old.leaves = true;
      if (old.hasLeft) {
        places.remove(old); // it was given up before
      }
      now = old.current();
      if (now != null) {
        now.leaves = true;
        now.accepts = false;
        serving.remove(now);
        now = now.load == 0 ? now : null;
      }
      changed.signalAll(); // it may pause before a start
    } finally {
      lock.unlock();
    }
    if (now != null) {
      now.stop(REPLACED);
    }
  }

  private void awaitLeft(Place old) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (!old.hasLeft && !stopping) {
        changed.await();
      }
    } finally {
      lock.unlock();
    }
  }

  // Closing.

  /** As {@link #close(Duration)}, with the builder's {@link WorkerPoolBuilder#closeLimit}. */
  @Override
  public void close() {
    close(options.closeLimit());
  }

  /**
   * Accepts no more requests, and waits for those under way, those that wait included. Then the
   * workers' {@code tproc_serve} returns, and it waits for their ends. When the time is over, or
   * the thread is interrupted, what still runs is killed: requests of it complete with {@link
   * WorkerCrashedException}, those that wait with IllegalStateException. When this returns, all
   * futures are complete, and all memory of the workers has been given back.
   *
   * @param limit how long it may wait, not negative
   * @throws IllegalArgumentException when the limit is negative
   * @throws IllegalStateException when it is called on a thread of the pool's
   */
  public void close(Duration limit) {
    Objects.requireNonNull(limit, "limit");
    long deadline =
        System.nanoTime() + Limits.nanos(Limits.notNegative("a limit of closing", limit));
    checkNotOwnThread("close");
    boolean interrupted = drain(deadline);
    places.forEach(Place::stop);
    interrupted |= join(interrupted ? System.nanoTime() : deadline);
    limits.shutdownNow();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Returns whether the thread was interrupted. */
  private boolean drain(long deadline) {
    boolean interrupted = false;
    List<Task> rest;
    lock.lock();
    try {
      closing = true;
      room.signalAll();
      awaitIdle(deadline);
    } catch (InterruptedException inAHurry) {
      interrupted = true;
    } finally {
      stopping = true;
      rest = takeWaiting();
      changed.signalAll();
      lock.unlock();
    }
    rest.forEach(task -> task.fail(closed()));
    return interrupted;
  }

  /** With lock held. */
  private void awaitIdle(long deadline) throws InterruptedException {
    long left = deadline - System.nanoTime();
    while (underWay > 0 && left > 0) {
      left = changed.awaitNanos(left);
    }
  }

  private boolean join(long deadline) {
    boolean interrupted = false;
    for (Place place : places) {
      try {
        place.join(deadline - System.nanoTime());
      } catch (InterruptedException inAHurry) {
        interrupted = true;
        break;
      }
    }
    // One that is just being started is killed the next time round.
    while (!joinKilled()) {}
    return interrupted;
  }

  private boolean joinKilled() {
    boolean all = true;
    for (Place place : places) {
      place.kill("the pool was closed");
      boolean interrupted = Thread.interrupted();
      try {
        all &= place.join(TimeUnit.MILLISECONDS.toNanos(10));
      } catch (InterruptedException later) {
        interrupted = true;
        all = false;
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
    return all;
  }

  private void checkNotOwnThread(String what) {
    if (Place.isOf(this, Thread.currentThread())) {
      throw new IllegalStateException("a dependent of a future must not " + what + ": " + this);
    }
  }
}
