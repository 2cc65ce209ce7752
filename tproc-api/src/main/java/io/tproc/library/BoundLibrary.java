package io.tproc.library;

import io.tproc.ThreadProc;
import io.tproc.TprocHost;
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
    private volatile Instance instance;
    private boolean closed;

    State(Instance instance) {
      this.instance = instance;
    }

    @Override
    public void run() {
      lock.lock();
      try {
        closed = true;
        instance.close();
      } finally {
        lock.unlock();
      }
    }
  }

  private final TprocHost host;
  private final CalleeSupport support;
  private final Options options;
  private final State state;

  BoundLibrary(TprocHost host, CalleeSupport support, Options options) throws IOException {
    this.host = host;
    this.support = support;
    this.options = options;
    this.state = new State(Instance.start(host, support, options));
    CLEANER.register(this, state);
  }

  @Override
  public ContainedFunction function(String name, Signature signature) {
    Instance instance = state.instance;
    instance.checkAlive(name);
    return function(instance, name, instance.symbol(name), signature);
  }

  @Override
  public ContainedFunction function(long address, Signature signature) {
    Instance instance = state.instance;
    return function(instance, "0x" + Long.toHexString(address), address, signature);
  }

  private static ContainedFunction function(
      Instance instance, String name, long address, Signature signature) {
    long prepared = instance.prepare(address, signature);
    return new BoundFunction(instance, name, signature, prepared, instance.limit());
  }

  @Override
  public OptionalLong symbol(String name) {
    try {
      return OptionalLong.of(state.instance.symbol(name));
    } catch (IllegalArgumentException none) {
      return OptionalLong.empty();
    }
  }

  @Override
  public <T> T as(Class<T> type) {
    return InterfaceProxy.make(this, type);
  }

  @Override
  public Callback callback(Signature signature, CallbackBody body) {
    Objects.requireNonNull(signature, "signature");
    Objects.requireNonNull(body, "body");
    Instance instance = state.instance;
    instance.checkAlive("a callback");
    return new Callback(instance, instance.closures().make(signature, body));
  }

  @Override
  public <T> Callback callback(Class<T> type, T body) {
    Method method =
        JavaTypes.functionOf(type)
            .orElseThrow(
                () ->
                    new IllegalArgumentException("not a functional interface: " + type.getName()));
    return callback(JavaTypes.signature(method), InterfaceProxy.body(method, body));
  }

  @Override
  public int errno() {
    return state.instance.lanes().error();
  }

  @Override
  public @Nullable String text(long address) {
    return state.instance.text(address);
  }

  @Override
  public void read(long address, ByteBuffer to) {
    if (!to.isDirect()) {
      throw new IllegalArgumentException("not a direct buffer; use ByteBuffer.allocateDirect");
    }
    if (to.isReadOnly()) {
      throw new ReadOnlyBufferException();
    }
    Instance instance = state.instance;
    instance.copy(address, support.address(to) + to.position(), to.remaining());
    Reference.reachabilityFence(to);
  }

  @Override
  public long bytesInUse() {
    return state.instance.bytesInUse();
  }

  @Override
  public ThreadProc process() {
    return state.instance.process();
  }

  @Override
  public boolean isAlive() {
    return state.instance.isAlive();
  }

  @Override
  public void restart() throws IOException {
    state.lock.lock();
    try {
      if (state.closed) {
        throw new IllegalStateException("the library is closed: " + options.library());
      }
      state.instance.close();
      state.instance = Instance.start(host, support, options);
    } finally {
      state.lock.unlock();
    }
  }

  @Override
  public void close() {
    state.run();
  }

  @Override
  public String toString() {
    return "ContainedLibrary[" + Objects.requireNonNull(state.instance) + "]";
  }
}
