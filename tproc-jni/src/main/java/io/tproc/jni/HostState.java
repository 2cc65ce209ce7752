package io.tproc.jni;

import io.tproc.Errno;
import io.tproc.LaunchException;
import io.tproc.PreparedProgram;
import io.tproc.ThreadProc;
import io.tproc.ThreadProcStatus;
import io.tproc.spi.LaunchRequest;
import io.tproc.spi.StackRoom;
import io.tproc.spi.ViewScope;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.BooleanSupplier;
import java.util.function.LongConsumer;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/**
 * The pointer to one native host, all that hangs on it, and the thread that collects exits.
 *
 * <p>A thread that uses the pointer holds the read lock and has seen that {@link #closing} is
 * false. {@link #close} takes the write lock to set it, so that from then on only the collector
 * uses the pointer, and close waits for it.
 *
 * <p>The collector keeps this object alive, so this object must not know its {@link JniHost}: a
 * host that is no longer reachable could never be released. What runs or listens does keep it,
 * through {@link #running} and {@link #listeners}.
 */
final class HostState {
  private static final long FAILURE_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  /** Java tells nobody when the last call into native code no longer uses a view. */
  private static final long VIEW_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

  private final ReentrantReadWriteLock lifecycle = new ReentrantReadWriteLock();
  private final CountDownLatch closed = new CountDownLatch(1);
  private final AtomicLong nextId = new AtomicLong(1);

  /** By the id that comes back with the exit; ids grow, so this is the order of the starts. */
  private final ConcurrentNavigableMap<Long, JniThreadProc> running = new ConcurrentSkipListMap<>();

  /** All whose memory has not been given back, by their native pointers. */
  private final Map<Long, ThreadProcHandle> handles = new ConcurrentHashMap<>();

  /** Those of {@link #handles} whose programs have ended. */
  private final EndedHandles ended = new EndedHandles();

  /** All that are open. */
  private final Set<JniListener> listeners = ConcurrentHashMap.newKeySet();

  private final HostEnvironment environment = HostEnvironment.read();
  private final long pointer;
  private final Thread collector;
  private final WordWaits waits;

  /** Who needs the native host: this one until it is closed, and each buffer that nothing ends. */
  private final AtomicInteger keepers = new AtomicInteger(1);

  /** Of views of what is the host's own; guarded by itself. Not kept: each view keeps its own. */
  private final Set<ViewScope> ownScopes = Collections.newSetFromMap(new WeakHashMap<>());

  /** Set under the write lock. Volatile for the collector, which holds none. */
  private volatile boolean closing;

  private HostState(long pointer) {
    this.pointer = pointer;
    this.waits = new WordWaits(pointer);
    this.collector = new Thread(null, this::collect, "tproc-collector", 0, false);
    collector.setDaemon(true);
  }

  static HostState open() {
    long pointer = Native.openHost();
    try {
      HostState state = new HostState(pointer);
      state.collector.start();
      return state;
    } catch (Throwable failed) { // no memory, no thread
      Native.closeHost(pointer);
      throw failed;
    }
  }

  ByteBuffer scratch() {
    StackRoom.requireUnderLock();
    lifecycle.readLock().lock();
    try {
      checkOpen();
      return Native.scratch(pointer);
    } finally {
      lifecycle.readLock().unlock();
    }
  }

  /** A scope that ends with this host, at the latest. */
  ViewScope ownScope(Object holder) {
    ViewScope scope = new ViewScope(holder);
    run(
        unused -> {
          synchronized (ownScopes) {
            ownScopes.add(scope);
          }
        });
    return scope;
  }

  /** A buffer over any memory, which ends with it if it is a threadproc's. */
  ByteBuffer view(long address, int size) {
    StackRoom.requireUnderLock();
    lifecycle.readLock().lock();
    try {
      @Nullable ThreadProcHandle owner = viewedAt(address);
      return owner == null
          ? Native.view(address, size).order(ByteOrder.nativeOrder())
          : owner.view(address, size);
    } finally {
      lifecycle.readLock().unlock();
    }
  }

  Optional<ViewScope> scopeAt(long address) {
    StackRoom.requireUnderLock();
    lifecycle.readLock().lock();
    try {
      return Optional.ofNullable(viewedAt(address)).map(ThreadProcHandle::scope);
    } finally {
      lifecycle.readLock().unlock();
    }
  }

  /** Under the read lock. No program has memory when the host is closed. */
  private @Nullable ThreadProcHandle viewedAt(long address) {
    return closing ? null : handles.get(Native.ownerOf(pointer, address));
  }

  void keep() {
    keepers.incrementAndGet();
  }

  /** The last one frees the native host. */
  void keepNoMore() {
    if (keepers.decrementAndGet() == 0) {
      // Left over is only what could not be watched.
      handles.values().forEach(ThreadProcHandle::invalidate);
      Native.closeHost(pointer);
    }
  }

  Optional<ThreadProc> ownerOf(long address) {
    StackRoom.requireUnderLock();
    lifecycle.readLock().lock();
    try {
      checkOpen();
      ThreadProcHandle owner = handles.get(Native.ownerOf(pointer, address));
      return owner == null ? Optional.empty() : owner.user();
    } finally {
      lifecycle.readLock().unlock();
    }
  }

  List<ThreadProcStatus> statuses() {
    StackRoom.requireUnderLock();
    lifecycle.readLock().lock();
    try {
      checkOpen();
      return Listings.statuses(Native.statuses(pointer));
    } finally {
      lifecycle.readLock().unlock();
    }
  }

  /** Runs what takes the pointer. It must not wait: closing the host would wait for it. */
  <T> T call(LongFunction<T> action) {
    lifecycle.readLock().lock();
    try {
      checkOpen();
      return action.apply(pointer);
    } finally {
      lifecycle.readLock().unlock();
    }
  }

  /** As {@link #call}. */
  void run(LongConsumer action) {
    lifecycle.readLock().lock();
    try {
      checkOpen();
      action.accept(pointer);
    } finally {
      lifecycle.readLock().unlock();
    }
  }

  CompletableFuture<Void> changed(long address, int value, long since) {
    return call(host -> waits.add(address, value, since));
  }

  void checkOpen() {
    if (closing) {
      throw new IllegalStateException("the host is closed");
    }
  }

  List<JniThreadProc> running() {
    return List.copyOf(running.values());
  }

  JniThreadProc launch(JniHost host, LaunchRequest request) throws IOException {
    StackRoom.require();
    LaunchArguments arguments = LaunchArguments.encode(request, environment);
    SpawnRecord record = FlightRecords.spawning();
    ended.makeRoom();
    if (Stdio.opensForAnother(request)) { // who would see it closed by the first of two attempts
      return launch(host, request, arguments.spilling(request.spill()), record);
    }
    // What has ended may still have the addresses: it is asked to go before this one spills.
    boolean spillsAtOnce = request.spill() && !ended.mayGo();
    try {
      return launch(host, request, arguments.spilling(spillsAtOnce), record);
    } catch (LaunchException failed) {
      boolean again = ended.madeRoom(failed.errno());
      boolean spills = failed.errno() == Errno.EADDRINUSE && request.spill();
      if (!again && !spills) {
        throw failed;
      }
      return launch(host, request, arguments.spilling(request.spill()), record);
    }
  }

  void prepareUntilReady(LaunchRequest request, int count, Duration ageMax, Duration timeout)
      throws IOException {
    prepare(
        request,
        arguments ->
            arguments.prepare(
                pointer,
                count,
                TimeUnit.NANOSECONDS.convert(ageMax),
                TimeUnit.NANOSECONDS.convert(timeout)));
  }

  void prepare(LaunchRequest request, int count, Duration ageMax) throws IOException {
    prepare(
        request,
        arguments -> arguments.prepare(pointer, count, TimeUnit.NANOSECONDS.convert(ageMax)));
  }

  private interface Preparing {
    void prepare(LaunchArguments arguments) throws LaunchException;
  }

  private void prepare(LaunchRequest request, Preparing preparing) throws IOException {
    StackRoom.require();
    LaunchArguments arguments = LaunchArguments.encode(request, environment);
    lifecycle.readLock().lock();
    try {
      checkOpen();
      preparing.prepare(arguments);
    } finally {
      lifecycle.readLock().unlock();
    }
  }

  List<PreparedProgram> prepared() {
    StackRoom.requireUnderLock();
    lifecycle.readLock().lock();
    try {
      checkOpen();
      return Prepared.read(Native.prepared(pointer));
    } finally {
      lifecycle.readLock().unlock();
    }
  }

  private JniThreadProc launch(
      JniHost host, LaunchRequest request, LaunchArguments arguments, SpawnRecord record)
      throws IOException {
    // Before the lock: opening a FIFO waits for its other end, which must not keep others from
    // closing the host.
    try (Stdio stdio = Stdio.open(request)) {
      lifecycle.readLock().lock();
      try {
        checkOpen();
        JniThreadProc started = start(host, request, arguments, stdio);
        record.spawned(started.pid(), request.program());
        return started;
      } finally {
        lifecycle.readLock().unlock();
      }
    }
  }

  private JniThreadProc start(
      JniHost host, LaunchRequest request, LaunchArguments arguments, Stdio stdio)
      throws IOException {
    long id = nextId.getAndIncrement();
    long threadproc = arguments.launch(pointer, stdio);
    boolean watched = false;
    try {
      ThreadProcHandle handle = new ThreadProcHandle(this, threadproc);
      handles.put(handle.key(), handle);
      JniThreadProc started = new JniThreadProc(host, handle, request, stdio.hostEnds());
      handle.belongsTo(started);
      // Before the watch: from then on the exit may come at any moment.
      running.put(id, started);
      handle.watch(id);
      watched = true;
      if (request.spill()) {
        // It may be an ordinary process already, and the collector was told before it knew of it.
        Native.wake(pointer);
      }
      return started;
    } finally {
      // At once, and by this alone: there may be no memory, and hardly any stack.
      if (!watched && !Native.abandon(threadproc)) {
        running.remove(id);
      }
    }
  }

  JniListener listen(JniHost host, Path socket) throws IOException {
    StackRoom.require();
    byte[] path = ByteStrings.terminated(socket.toString(), "the socket's path");
    lifecycle.readLock().lock();
    try {
      checkOpen();
      return listening(host, Native.openServer(pointer, path), socket);
    } finally {
      lifecycle.readLock().unlock();
    }
  }

  JniListener listenInherited(JniHost host, int descriptor) throws IOException {
    StackRoom.require();
    lifecycle.readLock().lock();
    try {
      checkOpen();
      return listening(host, Native.openInheritedServer(pointer, descriptor), null);
    } finally {
      lifecycle.readLock().unlock();
    }
  }

  /** Its maker may have named it in another encoding than this JVM's. */
  private static Path inheritedPath(long server) throws IOException {
    String path = ByteStrings.decode(Native.serverPath(server));
    try {
      return Path.of(path);
    } catch (InvalidPathException foreign) {
      throw new IOException(
          "cannot listen at the inherited socket "
              + path
              + ": its name is not in this JVM's encoding",
          foreign);
    }
  }

  private JniListener listening(JniHost host, long server, @Nullable Path path) throws IOException {
    JniListener listener = listener(host, server, path);
    try {
      listeners.add(listener);
      listener.closeAtExit();
      return listener;
    } catch (IllegalStateException ending) {
      listener.close();
      throw new IllegalStateException("cannot listen: the JVM is about to end", ending);
    } catch (Throwable failed) {
      listener.close();
      throw failed;
    }
  }

  /** Closes the server unless it returns. Without a path it is the one that the server has. */
  private JniListener listener(JniHost host, long server, @Nullable Path path) throws IOException {
    try {
      return new JniListener(host, this, path == null ? inheritedPath(server) : path, server);
    } catch (Throwable failed) {
      Native.closeServer(server);
      throw failed;
    }
  }

  void forget(JniListener listener) {
    listeners.remove(listener);
  }

  void forget(ThreadProcHandle handle) {
    // Not by the key alone: a new threadproc may have got the freed one's pointer already.
    handles.remove(handle.key(), handle);
    ended.remove(handle);
  }

  /** Kills all, waits, frees. Every call but the first waits for the first. */
  void close() {
    StackRoom.require();
    if (beginClosing()) {
      try {
        // First of all: a server must be gone before its host. A thread that is closing one is
        // waited for.
        listeners.forEach(JniListener::close);
        running.values().forEach(JniThreadProc::kill);
        Native.wake(pointer);
        Uninterruptibly.run(collector::join);
        waits.close();
        handles.values().forEach(handle -> awaitUnused(handle::releaseWithHost));
        ownScopes().forEach(scope -> awaitUnused(scope::end));
        keepNoMore();
      } finally {
        closed.countDown();
      }
    } else {
      Uninterruptibly.run(closed::await);
    }
  }

  /** Until no call into native code uses a view. */
  private static void awaitUnused(BooleanSupplier end) {
    while (!end.getAsBoolean()) {
      LockSupport.parkNanos(VIEW_PAUSE_NANOS);
    }
  }

  private List<ViewScope> ownScopes() {
    synchronized (ownScopes) {
      return List.copyOf(ownScopes);
    }
  }

  private boolean beginClosing() {
    lifecycle.writeLock().lock(); // launches under way end first, and are killed with the others
    try {
      boolean first = !closing;
      closing = true;
      return first;
    } finally {
      lifecycle.writeLock().unlock();
    }
  }

  /** The collector's life: until the host closes and the last exit has come. */
  private void collect() {
    long[] exit = new long[3];
    while (!(closing && running.isEmpty())) {
      try {
        if (Native.nextExit(pointer, exit)) {
          handleExit(exit[0], exit[1], exit[2]);
        } else {
          running.values().forEach(JniThreadProc::tellOfExec);
        }
      } catch (Exception | Error failed) {
        // Never expected: the broker has failed, or an exit cannot be collected. Without this
        // thread no exit would ever be seen again, so it goes on; not in a hurry.
        logger().log(Level.ERROR, "the native host has failed: " + failed.getMessage(), failed);
        LockSupport.parkNanos(FAILURE_PAUSE_NANOS);
      }
    }
  }

  /** The native host will not tell again: what fails for lack of memory is tried until it works. */
  private void handleExit(long id, long kind, long status) {
    @Nullable JniThreadProc program = null;
    for (boolean handled = false; !handled; ) {
      try {
        if (id < 0) {
          forgetAbandoned(-id);
        } else if (program == null) {
          program = running.remove(id); // before others see that it has ended
        }
        if (program != null) {
          program.exited(ExitStatuses.of(kind, status), ended);
        }
        handled = true;
      } catch (OutOfMemoryError full) {
        LockSupport.parkNanos(FAILURE_PAUSE_NANOS);
      }
    }
  }

  /** What is left of a launch that failed when its program ran already. */
  private void forgetAbandoned(long threadproc) {
    running.values().removeIf(program -> program.isAt(threadproc));
    @Nullable ThreadProcHandle handle = handles.get(threadproc);
    if (handle == null) {
      Native.release(threadproc);
    } else {
      handle.release();
    }
  }

  private static Logger logger() {
    return System.getLogger("io.tproc.jni");
  }

  @Override
  public String toString() {
    return (closing ? "closed" : "open") + ", " + running.size() + " running";
  }
}
