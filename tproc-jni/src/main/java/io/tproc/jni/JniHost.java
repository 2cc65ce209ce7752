package io.tproc.jni;

import io.tproc.LentBuffer;
import io.tproc.PreparedProgram;
import io.tproc.ThreadProc;
import io.tproc.ThreadProcBuilder;
import io.tproc.ThreadProcStatus;
import io.tproc.TprocHost;
import io.tproc.TprocListener;
import io.tproc.library.LibraryBuilder;
import io.tproc.python.PythonPoolBuilder;
import io.tproc.share.Channels;
import io.tproc.share.Registry;
import io.tproc.share.SharedHeap;
import io.tproc.spi.CalleeSupport;
import io.tproc.spi.Checks;
import io.tproc.spi.LaunchRequest;
import io.tproc.spi.ProgramStarter;
import io.tproc.spi.ScopedMemory;
import io.tproc.spi.ViewScope;
import java.io.IOException;
import java.lang.ref.Cleaner;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.DoubleBuffer;
import java.nio.LongBuffer;
import java.nio.ShortBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A host as its user holds it. When it is not reachable any more, nor one of its running
 * threadprocs, nor an open listener, nor a buffer over its scratch page, its {@link HostState} is
 * closed.
 */
final class JniHost implements TprocHost, ScopedMemory {
  private static final Cleaner CLEANER = Cleaner.create();
  private static final CalleeSupport CALLEE_SUPPORT = new JniCalleeSupport();

  private final HostState state;

  /** Of views of what is the host's own: its heap, its scratch page. */
  private final ViewScope views;

  /** Those that are open, which keep their buffers. */
  private final Set<JniLentBuffer> lent = ConcurrentHashMap.newKeySet();

  /**
   * All buffers over the page are duplicates of this one, and a duplicate keeps its origin alive.
   */
  private final ByteBuffer scratch;

  private final SharedHeap heap;
  private final Registry registry;
  private final Channels channels;

  private JniHost(HostState state, ByteBuffer scratch) {
    this.state = state;
    this.views = state.ownScope(this);
    this.scratch = views.buffer(Native.addressOf(scratch), TprocHost.SCRATCH_SIZE).orElse(scratch);
    JniSharedMemory memory = new JniSharedMemory(state, this);
    this.heap = new SharedHeap(memory);
    this.registry = new Registry(memory);
    this.channels = new Channels(memory);
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

  /**
   * Runs an action when an object is not reachable any more. The action must not know the object.
   */
  static void whenForgotten(Object object, Runnable action) {
    CLEANER.register(object, action);
  }

  @Override
  public ThreadProcBuilder command(String... command) {
    return command(Arrays.asList(command.clone()));
  }

  @Override
  public ThreadProcBuilder command(List<String> command) {
    return new ThreadProcBuilder(new Starter(), command);
  }

  private final class Starter implements ProgramStarter {
    @Override
    public ThreadProc start(LaunchRequest request) throws IOException {
      return state.launch(JniHost.this, request);
    }

    @Override
    public void prepare(LaunchRequest request, int count, Duration ageMax) throws IOException {
      state.prepare(request, count, ageMax);
    }

    @Override
    public void prepareUntilReady(
        LaunchRequest request, int count, Duration ageMax, Duration timeout) throws IOException {
      state.prepareUntilReady(request, count, ageMax, timeout);
    }
  }

  @Override
  public LibraryBuilder libraryBuilder(String name) {
    return new LibraryBuilder(this, CALLEE_SUPPORT, name);
  }

  @Override
  public PythonPoolBuilder python(String program) {
    return new PythonPoolBuilder(this, CALLEE_SUPPORT, program);
  }

  @Override
  public ByteBuffer scratch() {
    state.checkOpen();
    // duplicate() does not inherit the byte order.
    return scratch.duplicate().order(ByteOrder.nativeOrder());
  }

  @Override
  public ByteBuffer view(long address, long size) {
    int bufferSize = Checks.bufferRange(address, size);
    return state.view(address, bufferSize);
  }

  @Override
  public Optional<ViewScope> scopeAt(long address) {
    return state.scopeAt(address);
  }

  /** A buffer over memory that is the host's own, and goes with it. */
  ByteBuffer viewOwn(long address, long size) {
    int bufferSize = Checks.bufferRange(address, size);
    return views
        .buffer(address, bufferSize)
        .orElseGet(() -> Native.view(address, bufferSize).order(ByteOrder.nativeOrder()));
  }

  @Override
  public long addressOf(Buffer directBuffer) {
    Checks.direct(directBuffer);
    return Native.addressOf(directBuffer);
  }

  @Override
  public LentBuffer lend(Buffer directBuffer) {
    long address = addressOf(directBuffer);
    JniLentBuffer buffer = new JniLentBuffer(lent, directBuffer, address, bytes(directBuffer));
    return state.call(
        unused -> {
          lent.add(buffer);
          return buffer;
        });
  }

  private static long bytes(Buffer buffer) {
    return (long) buffer.capacity() * elementSize(buffer);
  }

  private static int elementSize(Buffer buffer) {
    if (buffer instanceof ByteBuffer) {
      return Byte.BYTES;
    }
    if (buffer instanceof ShortBuffer || buffer instanceof CharBuffer) {
      return Short.BYTES;
    }
    return buffer instanceof LongBuffer || buffer instanceof DoubleBuffer
        ? Long.BYTES
        : Integer.BYTES;
  }

  @Override
  public void keepInForks(long address, long size) {
    Checks.range(address, size);
    state.run(host -> Native.keepInForks(host, address, size));
  }

  @Override
  public TprocListener listen(Path socket) throws IOException {
    return state.listen(this, Checks.socket(socket));
  }

  @Override
  public TprocListener listenInherited(int descriptor) throws IOException {
    return state.listenInherited(this, descriptor);
  }

  @Override
  public Optional<ThreadProc> ownerOf(long address) {
    return state.ownerOf(address);
  }

  @Override
  public List<ThreadProc> running() {
    return List.copyOf(state.running());
  }

  @Override
  public List<ThreadProcStatus> statuses() {
    return state.statuses();
  }

  @Override
  public List<PreparedProgram> prepared() {
    return state.prepared();
  }

  @Override
  public SharedHeap heap() {
    return heap;
  }

  @Override
  public Registry registry() {
    return registry;
  }

  @Override
  public Channels channels() {
    return channels;
  }

  @Override
  public void close() {
    state.close();
    List.copyOf(lent).forEach(JniLentBuffer::close); // no program runs any more
  }

  @Override
  public String toString() {
    return "TprocHost[" + state + "]";
  }
}
