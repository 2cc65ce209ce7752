package io.tproc.python;

import io.tproc.ThreadProc;
import io.tproc.worker.WorkerPool;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;

/**
 * Interpreters of Python whose functions are called from Java. Each is a process with a global
 * interpreter lock of its own, so that they work in parallel. A call goes to one that is free, or
 * waits for one; one that has ended is replaced. What a call leaves in an interpreter (modules,
 * globals) is there for the calls that come to it later.
 *
 * <p>It is a {@link WorkerPool}, and what that says of results, cancelling and dependents of
 * futures holds. Thread-safe. A pool that is forgotten stays open until its host is closed.
 */
public final class PythonPool implements AutoCloseable {
  private final WorkerPool pool;
  private final Interpreter interpreter;

  PythonPool(WorkerPool pool, Interpreter interpreter) {
    this.pool = pool;
    this.interpreter = interpreter;
  }

  /**
   * A function, or whatever else can be called. It is looked up when it is called, not here.
   *
   * @param module a name as {@code import} takes it, such as {@code numpy.linalg}
   * @param name of the function in it, with dots for what is inside of a class
   * @return the function
   */
  public PythonFunction function(String module, String name) {
    return new PythonFunction(
        pool, Objects.requireNonNull(module, "module"), Objects.requireNonNull(name, "name"));
  }

  /**
   * The program whose interpreters these are.
   *
   * @return its path, as Python's {@code sys.executable}
   */
  public Path executable() {
    return interpreter.executable();
  }

  /**
   * Which Python it is.
   *
   * @return such as {@code 3.11.2}
   */
  public String version() {
    return interpreter.version();
  }

  /**
   * The interpreters that run now, those included that do not serve yet.
   *
   * @return an unmodifiable snapshot. The pool closes them, and starts others
   */
  public List<ThreadProc> workers() {
    return pool.workers();
  }

  /** As {@link WorkerPool#close()}. */
  @Override
  public void close() {
    pool.close();
  }

  /**
   * As {@link WorkerPool#close(Duration)}.
   *
   * @param limit how long it may wait for calls under way, not negative
   * @throws IllegalArgumentException when the limit is negative
   * @throws IllegalStateException when it is called on a thread of the pool's
   */
  public void close(Duration limit) {
    Objects.requireNonNull(limit, "limit");
    pool.close(limit);
  }

  @Override
  public String toString() {
    return "PythonPool[" + interpreter + ", " + pool + "]";
  }
}
