package io.tproc.jni;

import io.tproc.ThreadProc;
import io.tproc.ThreadProcStatus;
import io.tproc.TprocListener;
import io.tproc.spi.HostBinding;
import io.tproc.spi.LaunchRequest;
import java.io.IOException;
import java.lang.ref.Cleaner;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A host as its user holds it. When nobody keeps it any more, nor one of its running threadprocs,
 * nor an open listener, nor a buffer over its scratch page, the {@link HostState} behind it is
 * closed.
 */
final class JniHost implements HostBinding {
  private static final Cleaner CLEANER = Cleaner.create();

  private final HostState state;

  /**
   * All buffers over the page are duplicates of this one, and a duplicate keeps its origin alive.
   */
  private final ByteBuffer scratch;

  private JniHost(HostState state, ByteBuffer scratch) {
    this.state = state;
    this.scratch = scratch;
  }

  static JniHost open() {
    HostState state = HostState.open();
    JniHost host = new JniHost(state, state.scratch());
    AtomicInteger keepers = new AtomicInteger(2);
    Runnable release =
        () -> {
          if (keepers.decrementAndGet() == 0) {
            state.close();
          }
        };
    CLEANER.register(host, release);
    CLEANER.register(host.scratch, release);
    return host;
  }

  /** Runs an action when nobody keeps an object any more. The action must not know the object. */
  static void whenForgotten(Object object, Runnable action) {
    CLEANER.register(object, action);
  }

  @Override
  public ThreadProc launch(LaunchRequest request) throws IOException {
    return state.launch(this, request);
  }

  @Override
  public ByteBuffer scratch() {
    state.checkOpen();
    return scratch;
  }

  @Override
  public ByteBuffer view(long address, int size) {
    return Native.view(address, size);
  }

  @Override
  public long addressOf(Buffer directBuffer) {
    long address = Native.addressOf(directBuffer);
    state.keepInForks(address, BufferSizes.bytes(directBuffer));
    return address;
  }

  @Override
  public TprocListener listen(Path socket) throws IOException {
    return state.listen(this, socket);
  }

  @Override
  public Optional<ThreadProc> ownerOf(long address) {
    return state.ownerOf(address);
  }

  @Override
  public List<ThreadProc> threadProcs() {
    return List.copyOf(state.running());
  }

  @Override
  public List<ThreadProcStatus> list() {
    return state.list();
  }

  @Override
  public void close() {
    state.close();
  }

  @Override
  public String toString() {
    return state.toString();
  }
}
