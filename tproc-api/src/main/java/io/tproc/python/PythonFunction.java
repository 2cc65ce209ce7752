package io.tproc.python;

import io.tproc.worker.WorkerPool;
import io.tproc.worker.WorkerRequest;
import io.tproc.worker.WorkerResponse;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * A function of Python, called in an interpreter of its pool that is free. It is looked up with
 * each call; its module is imported with the first call in each interpreter. Immutable, and
 * thread-safe.
 *
 * <p><strong>Arguments</strong> are null (None), Boolean (bool), Byte, Short, Integer, Long,
 * BigInteger (int), Float, Double (float), String (str), {@code byte[]} (bytes), direct ByteBuffers
 * and, on Java 22 and later, native MemorySegments (memoryview), and Lists (list) and Maps (dict)
 * of these, up to 100 in each other. Keys of maps are null, Boolean, numbers or Strings.
 *
 * <p><strong>Buffers</strong> are passed by address, from their position to their limit: Python
 * works on the caller's memory in place. A read-only one is so in Python. They are kept reachable
 * until Python has done with them. A memoryview is released when the function has returned; a NumPy
 * array or a slice that Python keeps for longer is as unsafe as a pointer that C keeps.
 *
 * <p><strong>Results</strong> are the same: null, Boolean, Long, or BigInteger when it does not
 * fit, Double, String, {@code byte[]}, and Lists and LinkedHashMaps that are the caller's own. What
 * lies in a buffer that was passed comes back as that buffer, or a slice of it: nothing is copied.
 *
 * <p><strong>Exceptions</strong> of Python are {@link PythonException}. The others are those of
 * {@link WorkerPool}: {@link io.tproc.worker.WorkerCrashedException} when the interpreter has
 * ended, which {@code sys.exit()} does, too, {@link io.tproc.worker.WorkerTimeoutException} when it
 * was killed for taking too long, {@link io.tproc.worker.WorkerFailedException} when its response
 * could not be sent (the shared heap is full).
 */
public final class PythonFunction {
  private final WorkerPool pool;
  private final String module;
  private final String name;
  private final Map<String, @Nullable Object> keywords;
  private final @Nullable Duration limit;

  PythonFunction(WorkerPool pool, String module, String name) {
    this(pool, module, name, Map.of(), null);
  }

  private PythonFunction(
      WorkerPool pool,
      String module,
      String name,
      Map<String, @Nullable Object> keywords,
      @Nullable Duration limit) {
    this.pool = pool;
    this.module = module;
    this.name = name;
    this.keywords = keywords;
    this.limit = limit;
  }

  /**
   * The same with one more keyword argument.
   *
   * @param keyword its name
   * @param value an argument, which each call passes; it is looked at when that is made
   * @return a new function
   */
  public PythonFunction withKeyword(String keyword, @Nullable Object value) {
    Map<String, @Nullable Object> more = new LinkedHashMap<>(keywords);
    more.put(Objects.requireNonNull(keyword, "keyword"), value);
    return new PythonFunction(pool, module, name, Collections.unmodifiableMap(more), limit);
  }

  /**
   * The same with a time limit, instead of the pool's. It begins when an interpreter is given the
   * call. One that takes longer is killed, and replaced.
   *
   * @param newLimit more than zero
   * @return a new function
   * @throws IllegalArgumentException when the limit is not positive
   */
  public PythonFunction within(Duration newLimit) {
    Objects.requireNonNull(newLimit, "newLimit");
    var unused = WorkerRequest.empty().within(newLimit); // which says what it may be
    return new PythonFunction(pool, module, name, keywords, newLimit);
  }

  /**
   * Calls it, and waits for its result.
   *
   * @param arguments as this class says
   * @return the result, as this class says
   * @throws PythonException when it raises an exception, cannot be found, or returns what cannot go
   *     to Java
   * @throws io.tproc.worker.WorkerException when it was not served, as this class says
   * @throws IllegalArgumentException when an argument cannot go to Python; the message says which
   *     part of which
   * @throws IllegalStateException when the pool or its host is closed, or no interpreter can be
   *     started any more, and when it would have to wait for room on a thread of the pool's. That
   *     it waits there for its result is not noticed, and may last for ever
   * @throws io.tproc.share.SharedMemoryException with ENOMEM: the shared heap is full
   * @throws InterruptedException when the thread is interrupted while it waits. A call that an
   *     interpreter has goes on there, and uses its buffers until it returns
   */
  public @Nullable Object call(@Nullable Object... arguments) throws InterruptedException {
    CompletableFuture<@Nullable Object> future = submit(arguments);
    try {
      return future.get();
    } catch (InterruptedException interrupted) {
      future.cancel(false);
      throw interrupted;
    } catch (ExecutionException failed) {
      throw unchecked(failed.getCause());
    }
  }

  /** The exception, as if it had been thrown here and not on a thread of the pool's. */
  private static RuntimeException unchecked(@Nullable Throwable why) {
    if (why instanceof Error error) {
      throw error;
    }
    if (why instanceof RuntimeException exception) {
      exception.fillInStackTrace();
      return exception;
    }
    return new IllegalStateException("no interpreter is left: " + why, why);
  }

  /**
   * Calls it, and waits while as many calls wait for an interpreter as may.
   *
   * @param arguments as this class says
   * @return completes with the result, or with one of the exceptions that {@link #call} throws;
   *     with {@link io.tproc.worker.WorkerStartException} when no interpreter can be started any
   *     more. Who cancels it takes the call out of the queue; one that an interpreter has goes on
   *     there
   * @throws IllegalArgumentException when an argument cannot go to Python
   * @throws IllegalStateException when the pool or its host is closed, or no interpreter can be
   *     started any more, and when it would have to wait on a thread of the pool's
   * @throws io.tproc.share.SharedMemoryException with ENOMEM: the shared heap is full
   * @throws InterruptedException when the thread is interrupted while it waits; it is not called
   */
  public CompletableFuture<@Nullable Object> submit(@Nullable Object... arguments)
      throws InterruptedException {
    Call call = written(arguments);
    return results(call, pool.submit(request(call)));
  }

  /**
   * Calls it, if there is room.
   *
   * @param arguments as this class says
   * @return as {@link #submit}; empty when as many calls wait for an interpreter as may: it is not
   *     called
   * @throws IllegalArgumentException when an argument cannot go to Python
   * @throws IllegalStateException as {@link #submit}
   * @throws io.tproc.share.SharedMemoryException with ENOMEM: the shared heap is full
   */
  public Optional<CompletableFuture<@Nullable Object>> trySubmit(@Nullable Object... arguments) {
    Call call = written(arguments);
    return pool.trySubmit(request(call)).map(response -> results(call, response));
  }

  private Call written(@Nullable Object[] arguments) {
    Objects.requireNonNull(arguments, "arguments; one that is null is (Object) null");
    return new Call(module, name, arguments, keywords);
  }

  private WorkerRequest request(Call call) {
    return limit == null ? call.request() : call.request().within(limit);
  }

  private static CompletableFuture<@Nullable Object> results(
      Call call, CompletableFuture<WorkerResponse> response) {
    CompletableFuture<@Nullable Object> result = new CompletableFuture<>();
    var unused = response.whenComplete((answer, failed) -> complete(result, call, answer, failed));
    var unusedToo = result.whenComplete((value, failed) -> response.cancel(false));
    return result;
  }

  private static void complete(
      CompletableFuture<@Nullable Object> result,
      Call call,
      @Nullable WorkerResponse answer,
      @Nullable Throwable failed) {
    try {
      if (answer == null) {
        result.completeExceptionally(Objects.requireNonNull(failed));
      } else {
        result.complete(call.result(answer));
      }
    } catch (Throwable unreadable) { // an Error too: it is too large for Java's heap
      result.completeExceptionally(unreadable);
    }
  }

  @Override
  public String toString() {
    return "PythonFunction[" + module + "." + name + "]";
  }
}
