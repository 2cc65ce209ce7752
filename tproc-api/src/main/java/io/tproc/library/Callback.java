package io.tproc.library;

/**
 * A function pointer of C that leads to Java. Belongs to one instance of a library; made by {@link
 * ContainedLibrary#callback(Signature, CallbackBody)}.
 *
 * <p>Thread-safe.
 */
public final class Callback implements AutoCloseable {
  private final Instance instance;
  private final Closures.Closure closure;
  private volatile boolean closed;

  Callback(Instance instance, Closures.Closure closure) {
    this.instance = instance;
    this.closure = closure;
  }

  /**
   * The function pointer, valid until {@link #close}.
   *
   * @return its address
   * @throws IllegalStateException when it is closed
   * @throws StaleLibraryException when its instance has ended
   */
  public long address() {
    if (closed) {
      throw new IllegalStateException("the callback is closed");
    }
    instance.checkAlive("the callback");
    return closure.address();
  }

  Instance instance() {
    return instance;
  }

  /**
   * Frees the function pointer, once the calls of it that are under way have returned. Does not
   * wait for them, nor for a main thread that runs a call: then its memory is freed when the next
   * callback is made. The library must not call it from here on: that crashes the library, or calls
   * another callback. Calls after the first do nothing.
   */
  @Override
  public void close() {
    closed = true;
    instance.closures().free(closure);
  }

  @Override
  public String toString() {
    return "Callback[0x" + Long.toHexString(closure.address()) + "]";
  }
}
