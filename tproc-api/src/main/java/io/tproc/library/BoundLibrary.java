package io.tproc.library;

import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import io.tproc.library.Ending.Cause;
import io.tproc.spi.CalleeSupport;
import java.io.IOException;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** A library as its user holds it. When it is not reachable any more, its instance is closed. */
final class BoundLibrary implements ContainedLibrary {
  private static final Cleaner CLEANER = Cleaner.create();

  /** What the cleaner keeps. */
  private static final class State implements Runnable {
    private final ReentrantLock lock = new ReentrantLock();
    private volatile @Nullable Instance instance;
    private volatile @Nullable Instance starting;
    private volatile boolean closed;

    /** Starts the first instance, or another one after the end of that before. */
    void start(TprocHost host, CalleeSupport support, Options options) throws IOException {
      lock.lock();
      try {
        if (closed) {
          throw new IllegalStateException("the library is closed: " + options.library());
        }
        end();
        instance = Instance.start(host, support, options, this::begun);
      } finally {
        starting = null;
        lock.unlock();
      }
    }

    private void begun(Instance begun) {
      starting = begun;
      if (closed) {
        endStarting();
      }
    }

    /** A library that hangs while it is loaded is not waited for. */
    private void endStarting() {
      Instance begun = starting;
      if (begun != null) {
        begun.end(Cause.Kind.CLOSE, "it was closed");
      }
    }

    /** Under the lock. */
    private void end() {
      Instance known = instance;
      if (known != null) {
        known.close();
      }
    }

    void close(boolean forGood) {
      if (forGood) {
        closed = true;
        endStarting();
      }
      lock.lock();
      try {
        end();
      } finally {
        lock.unlock();
      }
    }

    @Override
    public void run() {
      close(true);
    }
  }

  private final TprocHost host;
  private final CalleeSupport support;
  private final Options options;
  private final State state = new State();
  private final boolean pooled;

  /**
   * Starts an instance.
   *
   * @param pooled whether {@link #close} ends the instance alone, for the pool will start another
   */
  BoundLibrary(TprocHost host, CalleeSupport support, Options options, boolean pooled)
      throws IOException {
    this.host = host;
    this.support = support;
    this.options = options;
    this.pooled = pooled;
    state.start(host, support, options);
    CLEANER.register(this, state);
  }

  /** The one that runs now, or has run last. */
  Instance instance() {
    return Objects.requireNonNull(state.instance);
  }

  @Override
  public ContainedFunction function(String name, Signature signature) {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(signature, "signature");
    Instance instance = instance();
    instance.checkAlive(name);
    return function(instance, name, instance.symbol(name), signature);
  }

  @Override
  public ContainedFunction function(long address, Signature signature) {
    Objects.requireNonNull(signature, "signature");
    Instance instance = instance();
    String name = "0x" + Long.toHexString(address);
    instance.checkAlive(name);
    return function(instance, name, address, signature);
  }

  private ContainedFunction function(
      Instance instance, String name, long address, Signature signature) {
    long prepared = instance.prepare(address, signature);
    return new BoundFunction(this, instance, name, signature, prepared, instance.limit());
  }

  @Override
  public OptionalLong symbol(String name) {
    Objects.requireNonNull(name, "name");
    try {
      return OptionalLong.of(instance().symbol(name));
    } catch (IllegalArgumentException none) {
      return OptionalLong.empty();
    }
  }

  @Override
  public <T> T as(Class<T> type) {
    Objects.requireNonNull(type, "type");
    return InterfaceProxy.make(this, type);
  }

  @Override
  public Callback callback(Signature signature, CallbackBody body) {
    Objects.requireNonNull(signature, "signature");
    Objects.requireNonNull(body, "body");
    Instance instance = instance();
    instance.checkAlive("a callback");
    return new Callback(instance, instance.closures().make(signature, body));
  }

  @Override
  public <T> Callback callback(Class<T> type, T body) {
    Objects.requireNonNull(type, "type");
    Objects.requireNonNull(body, "body");
    Method method =
        JavaTypes.functionOf(type)
            .orElseThrow(
                () ->
                    new IllegalArgumentException("not a functional interface: " + type.getName()));
    JavaTypes.requireCallback(method);
    return callback(JavaTypes.signature(method), InterfaceProxy.body(method, body));
  }

  @Override
  public int errno() {
    return instance().lanes().error();
  }

  @Override
  public @Nullable String text(long address) {
    return instance().text(address);
  }

  @Override
  public void read(long address, ByteBuffer to) {
    Objects.requireNonNull(to, "to");
    if (!to.isDirect()) {
      throw new IllegalArgumentException("not a direct buffer; use ByteBuffer.allocateDirect");
    }
    if (to.isReadOnly()) {
      throw new ReadOnlyBufferException();
    }
    Instance instance = instance();
    instance.copy(address, support.address(to) + to.position(), to.remaining());
    Reference.reachabilityFence(to);
  }

  @Override
  public long bytesInUse() {
    return instance().bytesInUse();
  }

  @Override
  public ThreadProc process() {
    return instance().process();
  }

  @Override
  public boolean isAlive() {
    return instance().isAlive();
  }

  @Override
  public void restart() throws IOException {
    state.start(host, support, options);
  }

  @Override
  public void close() {
    state.close(!pooled);
  }

  /** Ends the instance, and there will be none after it. */
  void closeForGood() {
    state.close(true);
  }

  @Override
  public String toString() {
    return "ContainedLibrary[" + instance() + "]";
  }
}
