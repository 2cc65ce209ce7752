package io.tproc.library;

import io.tproc.ExitStatus;
import io.tproc.Signals;
import io.tproc.ThreadProc;
import io.tproc.ThreadProcBuilder;
import io.tproc.TprocHost;
import io.tproc.library.Ending.Cause;
import io.tproc.spi.CalleeSupport;
import io.tproc.spi.Printable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * One process with one library, from its start to its end.
 *
 * <p>The thread that watches the process keeps this object, and with it the lanes: their memory
 * stays for as long as the process could write to it.
 */
final class Instance {
  private static final int RTLD_NOW_GLOBAL = 0x102;
  private static final long EXIT_SECONDS = 5;
  private static final int TEXT_LEAST = 16;
  private static final String FREEING = "freeing a callback";

  static {
    Ending.rehearse();
  }

  private record Prepared(long address, Signature signature) {
    // Written out: a record's own keep the types of its components in a cache of the JDK's, and
    // with them the class loader of an application that is gone.
    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Prepared that
          && address == that.address
          && signature.equals(that.signature);
    }

    @Override
    public int hashCode() {
      return 31 * signature.hashCode() + Long.hashCode(address);
    }
  }

  private final TprocHost host;
  private final CalleeSupport support;
  private final Options options;
  private final CrashRecord crash;
  private final Set<Lane> allLanes = ConcurrentHashMap.newKeySet();
  private final Lane main;
  private final Lane desk;
  private final ReentrantLock mainLock = new ReentrantLock();
  private final Lanes lanes;
  private final Closures closures = new Closures(this);
  private final Queue<Long> unfreed = new ConcurrentLinkedQueue<>();
  private final Map<Prepared, Long> prepared = new ConcurrentHashMap<>();
  private final AtomicInteger callsUnderWay = new AtomicInteger();
  private final AtomicReference<@Nullable Cause> cause = new AtomicReference<>();
  private final CountDownLatch gone = new CountDownLatch(1);
  private final ThreadProc process;
  private long handle;
  private volatile @Nullable Ending ending;

  /**
   * An error cut off the entering or leaving of a call: what is lent or locked may never come back.
   * Set where there may be no room on the stack for any call; the next one ends the instance.
   */
  volatile boolean torn;

  private Instance(TprocHost host, CalleeSupport support, Options options) throws IOException {
    this.host = host;
    this.support = support;
    this.options = options;
    this.crash = new CrashRecord(support);
    this.main = newLane();
    this.desk = newLane();
    this.lanes = new Lanes(this, main, mainLock);
    this.process = launch();
  }

  /**
   * Starts a process and loads the library. Nothing is left behind when that fails.
   *
   * @param begun gets the instance before the library is loaded, so that another thread can end it
   */
  static Instance start(
      TprocHost host, CalleeSupport support, Options options, Consumer<Instance> begun)
      throws IOException {
    Instance instance = new Instance(host, support, options);
    instance.startWatching();
    try {
      begun.accept(instance);
      instance.process.signal(0); // rehearsed, as endings are
      instance.load();
      return instance;
    } catch (LibraryCrashedException crashed) {
      instance.close();
      throw new LibraryLoadException("cannot load " + crashed.getMessage());
    } catch (StaleLibraryException before) {
      instance.close();
      throw new LibraryLoadException(
          "cannot load "
              + instance.name()
              + ": its process has ended: "
              + instance.ending().text());
    } catch (Throwable failed) {
      instance.close();
      throw failed;
    }
  }

  private ThreadProc launch() throws IOException {
    ThreadProcBuilder builder =
        host.command(
            support.callee().toString(),
            CalleeSupport.CALLEE_VERSION,
            Long.toHexString(main.address()),
            Long.toHexString(desk.address()),
            Long.toHexString(crash.address()),
            Long.toString(options.spin()));
    builder.environment().clear();
    builder.environment().putAll(options.environment());
    options
        .limits()
        .forEach((resource, limit) -> builder.limit(resource, limit.soft(), limit.hard()));
    return builder
        .directory(options.directory())
        .redirectInput(options.input())
        .redirectOutput(options.output())
        .redirectError(options.error())
        .start();
  }

  private void startWatching() {
    Thread watcher = new Thread(null, this::watch, "tproc-library", 0, false);
    watcher.setDaemon(true);
    watcher.start();
  }

  private void watch() {
    ExitStatus status = waitForExit();
    if (isHostClosed()) {
      cause.compareAndSet(
          null, new Cause(Cause.Kind.CLOSE, Thread.currentThread(), "its host was closed"));
    }
    ending = new Ending(name(), status, crash.read(host, process), cause.get());
    allLanes.forEach(Lane::die);
    gone.countDown();
  }

  private boolean isHostClosed() {
    try {
      host.ownerOf(main.address());
      return false;
    } catch (IllegalStateException closed) {
      return true;
    }
  }

  private ExitStatus waitForExit() {
    for (; ; ) {
      try {
        return process.waitForExit();
      } catch (InterruptedException impossible) {
        continue;
      }
    }
  }

  private void load() throws LibraryLoadException {
    for (String library : options.preloaded()) {
      open(library, RTLD_NOW_GLOBAL);
    }
    handle = open(options.library(), options.flags());
  }

  private long open(String library, int flags) throws LibraryLoadException {
    ByteBuffer name = terminated(library);
    try {
      return ask(
          "loading " + library,
          lane -> {
            lane.ask(Lane.OPEN, support.address(name), lane.top(), flags, 0);
            CallWait waiting = new CallWait(this, "loading " + library, options.startLimit());
            return answer(lane, "loading " + library, waiting, Lane::result);
          });
    } catch (FailedOperation refused) {
      throw new LibraryLoadException("cannot load " + library + ": " + refused.getMessage());
    } finally {
      java.lang.ref.Reference.reachabilityFence(name);
    }
  }

  static ByteBuffer terminated(String text) {
    byte[] bytes = Values.terminated(text);
    return ByteBuffer.allocateDirect(bytes.length).put(0, bytes);
  }

  /** What the callee said no to. */
  private static final class FailedOperation extends RuntimeException {
    private static final long serialVersionUID = 1L;

    FailedOperation(String text) {
      super(text);
    }
  }

  /**
   * On the main lane, or in a callback on the lane that this thread has. An interrupt of this
   * thread may end the waiting for that, and the loading of a library, but not the instance for
   * what is over soon.
   */
  private long ask(String what, ToLongFunction<Lane> operation) {
    return ask(what, operation, () -> lanes.takeMain(what, options.startLimit()));
  }

  /** As {@link #ask}, but waits for no turn: 0 when it would have to. */
  private long askNow(String what, ToLongFunction<Lane> operation) {
    return ask(what, operation, () -> mainLock.tryLock() ? main : null);
  }

  private long ask(
      String what, ToLongFunction<Lane> operation, Supplier<@Nullable Lane> takingMain) {
    checkAlive(what);
    boolean inCall = lanes.isInCall();
    boolean whole = false;
    try {
      Lane lane = inCall ? lanes.enter(what) : takingMain.get();
      if (lane == null) {
        whole = true;
        return 0;
      }
      try {
        return operation.applyAsLong(lane);
      } finally {
        if (inCall) {
          lanes.leave();
        } else {
          mainLock.unlock();
        }
        whole = true;
      }
    } catch (RuntimeException failed) { // before it began, or with all given back
      whole = true;
      throw failed;
    } finally {
      if (!whole) {
        torn = true;
        endTorn();
      }
    }
  }

  private long answer(Lane lane, String what, ToLongFunction<Lane> read) {
    return answer(lane, what, options.limit(), read);
  }

  private long answer(Lane lane, String what, @Nullable Duration limit, ToLongFunction<Lane> read) {
    return answer(lane, what, new CallWait(this, what, limit, false), read);
  }

  private long answer(Lane lane, String what, CallWait waiting, ToLongFunction<Lane> read) {
    perform(lane, waiting, what);
    if (lane.failed()) {
      throw new FailedOperation(lane.failure());
    }
    return read.applyAsLong(lane);
  }

  /**
   * Has a lane's operation done, and runs the callbacks that it makes.
   *
   * @throws LibraryCrashedException when the process ends meanwhile
   */
  void perform(Lane lane, CallWait waiting, String what) {
    @Nullable Throwable thrown;
    boolean whole = false;
    try {
      thrown = lane.torn ? endTorn(what, null) : operate(lane, waiting, what);
      whole = true;
    } finally {
      if (!whole) {
        lane.torn = true; // first of all: when the rest fails, too, an outer operation does it
        endTorn();
      }
    }
    if (thrown != null) {
      throw Instance.<RuntimeException>asIs(thrown);
    }
  }

  /** Returns what is to be thrown. */
  private @Nullable Throwable operate(Lane lane, CallWait waiting, String what) {
    @Nullable Throwable thrown = null;
    lane.post(Lane.TURN_CALL);
    for (; ; ) {
      switch (lane.await(waiting)) {
        case Lane.TURN_CALLBACK -> {
          if (waiting.hasEnded()) {
            return gone(what, thrown);
          }
          Throwable failed = runCallback(lane, waiting);
          thrown = thrown == null ? failed : thrown;
          if (lane.torn) {
            return endTorn(what, thrown);
          }
          if (waiting.endIfOver()) {
            return gone(what, thrown);
          }
          lane.post(Lane.TURN_RETURN);
        }
        case Lane.TURN_HOST -> {
          return waiting.hasEnded() ? gone(what, thrown) : thrown;
        }
        default -> {
          return crashed(what, thrown);
        }
      }
    }
  }

  /** What it calls in turn has no more time than this call. */
  private @Nullable Throwable runCallback(Lane lane, CallWait waiting) {
    @Nullable CallWait around = lane.around;
    lane.around = waiting.around(around);
    try {
      return closures.run(lane);
    } finally {
      lane.around = around;
    }
  }

  /** The call has returned while it was being ended: who uses the instance next is not to pay. */
  private LibraryCrashedException gone(String what, @Nullable Throwable thrown) {
    waitUntilGone();
    return crashed(what, thrown);
  }

  private LibraryCrashedException endTorn(String what, @Nullable Throwable thrown) {
    endTorn();
    waitUntilGone(); // the signal has found room on the stack: a wait that is cut off has no end
    return crashed(what, thrown);
  }

  /** Whose turn it is in a lane is not known any more, and never will be. */
  void endTorn() {
    end(Cause.Kind.TORN, "an error, such as a stack overflow, cut off a call or a callback");
  }

  /** A callback's exception is its author's business, checked or not. */
  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
  private static <T extends Throwable> T asIs(Throwable thrown) throws T {
    throw (T) thrown;
  }

  private LibraryCrashedException crashed(String what, @Nullable Throwable thrown) {
    LibraryCrashedException exception = ending().exception(what);
    if (thrown != null) {
      exception.addSuppressed(thrown);
    }
    return exception;
  }

  /** Known before a lane says that it is dead. */
  private Ending ending() {
    Ending known = ending;
    if (known == null) {
      throw new IllegalStateException("not ended: " + name());
    }
    return known;
  }

  // What functions, callbacks and libraries ask for.

  long symbol(String name) {
    byte[] text = Values.terminated(name);
    String what = "looking for " + name;
    try {
      return ask(
          what,
          lane -> {
            int frame = lane.push(text.length);
            try {
              lane.memory().put(frame, text);
              lane.ask(Lane.SYMBOL, handle, frame, 0, 0);
              return answer(lane, what, options.startLimit(), Lane::result);
            } finally {
              lane.pop(frame);
            }
          });
    } catch (FailedOperation refused) {
      throw new IllegalArgumentException(
          Printable.text("no " + name + " in " + name() + ": " + refused.getMessage()));
    }
  }

  /** The callee's object for a function; made once. */
  long prepare(long address, Signature signature) {
    Prepared key = new Prepared(address, signature);
    Long known = prepared.get(key);
    if (known != null) {
      return known;
    }
    long made = withSignature("preparing a call", signature, Lane.PREPARE, address, Lane::result);
    prepared.put(key, made);
    return made;
  }

  Closures.Closure makeClosure(long number, Signature signature, CallbackBody body) {
    long[] pointer = new long[1];
    long address =
        withSignature(
            "making a callback",
            signature,
            Lane.CLOSURE,
            number,
            lane -> {
              pointer[0] = lane.target();
              long made = lane.result();
              freeClosures(lane);
              return made;
            });
    return new Closures.Closure(number, address, pointer[0], signature, body);
  }

  private long withSignature(
      String what, Signature signature, int operation, long subject, ToLongFunction<Lane> read) {
    byte[] text = Values.terminated(signature.text());
    try {
      return ask(
          what,
          lane -> {
            int frame = lane.push(text.length);
            try {
              lane.memory().put(frame, text);
              lane.ask(operation, subject, frame, signature.frameSize(), 0);
              return answer(lane, what, options.startLimit(), read);
            } finally {
              lane.pop(frame);
            }
          });
    } catch (FailedOperation refused) {
      throw new IllegalArgumentException(
          "not a signature that can be called: " + signature + ": " + refused.getMessage());
    }
  }

  /**
   * Closing a callback neither waits nor fails: without a turn now, the next one that is made frees
   * it.
   */
  void freeClosure(long pointer) {
    unfreed.add(pointer);
    try {
      long unused = askNow(FREEING, this::freeClosures);
    } catch (LibraryCrashedException | StaleLibraryException ended) {
      // with all it had
    }
  }

  private long freeClosures(Lane lane) {
    for (Long one = unfreed.poll(); one != null; one = unfreed.poll()) {
      lane.ask(Lane.CLOSURE_END, one, lane.top(), 0, 0);
      answer(lane, FREEING, options.startLimit(), Lane::result);
    }
    return 0;
  }

  /** Reads text in the callee, where a wrong pointer does no harm to the JVM. */
  @Nullable String text(long address) {
    if (address == 0) {
      return null;
    }
    java.io.ByteArrayOutputStream bytes = new java.io.ByteArrayOutputStream();
    while (appendText(address + bytes.size(), bytes)) {}
    return bytes.toString(StandardCharsets.UTF_8);
  }

  private boolean appendText(long address, java.io.ByteArrayOutputStream to) {
    String what = "reading text at 0x" + Long.toHexString(address);
    return ask(
            what,
            lane -> {
              int frame = lane.push(TEXT_LEAST); // without any room it would have no end
              int room = TEXT_LEAST + lane.room();
              try {
                lane.ask(Lane.TEXT, address, frame, room, 0);
                int length = (int) answer(lane, what, Lane::result);
                to.writeBytes(lane.bytes(frame, length));
                return length == room ? 1 : 0;
              } finally {
                lane.pop(frame);
              }
            })
        != 0;
  }

  /** Copies memory in the callee, where a wrong pointer does no harm to the JVM. */
  void copy(long from, long to, long size) {
    String what = "copying " + size + " bytes from 0x" + Long.toHexString(from);
    ask(
        what,
        lane -> {
          lane.ask(Lane.COPY, from, lane.top(), size, to);
          return answer(lane, what, Lane::result);
        });
  }

  long bytesInUse() {
    return ask(
        "counting memory",
        lane -> {
          lane.ask(Lane.USAGE, 0, lane.top(), 0, 0);
          return answer(lane, "counting memory", Lane::result);
        });
  }

  // Lanes.

  Lane newLane() {
    Lane lane = LaneMemory.of(host).newLane(host, support, options.spin());
    allLanes.add(lane);
    if (ending != null) { // its watcher has not seen this one
      lane.die();
    }
    return lane;
  }

  /** A lane, and a thread of the callee's that serves it. */
  Lane startLane() {
    Lane lane = newLane();
    try {
      ask(
          "starting a thread",
          main -> {
            main.ask(Lane.THREAD, lane.address(), main.top(), options.stackSize(), 0);
            return answer(main, "starting a thread", options.startLimit(), Lane::result);
          });
      return lane;
    } catch (FailedOperation refused) {
      allLanes.remove(lane);
      throw new IllegalStateException(name() + ": " + refused.getMessage());
    } catch (LibraryTurnException neverAsked) {
      allLanes.remove(lane);
      throw neverAsked;
    }
  }

  Lane enter(String what) {
    checkAlive(what);
    boolean whole = false;
    try {
      callsUnderWay.incrementAndGet();
      Lane lane = lanes.enter(what);
      whole = true;
      return lane;
    } catch (RuntimeException refused) {
      callsUnderWay.decrementAndGet();
      whole = true;
      throw refused;
    } finally {
      if (!whole) {
        torn = true;
        endTorn();
      }
    }
  }

  void leave() {
    lanes.leave();
    callsUnderWay.decrementAndGet();
  }

  // Its end.

  void checkAlive(String what) {
    if (torn && ending == null) {
      endTorn();
      waitUntilGone();
    }
    Ending known = ending;
    if (known != null) {
      throw known.stale(what);
    }
  }

  boolean isAlive() {
    return ending == null;
  }

  boolean isEnding() {
    return cause.get() != null;
  }

  /** Ends the process, for the first cause that is given. Does not wait. */
  void end(Cause.Kind kind, String why) {
    cause.compareAndSet(null, new Cause(kind, Thread.currentThread(), why));
    process.signal(Signals.SIGKILL);
  }

  /**
   * Lets the library end by {@code exit} when no call is under way, otherwise kills it; then gives
   * back its memory.
   */
  void close() {
    if (isAlive() && callsUnderWay.get() == 0 && mainLock.tryLock()) {
      try {
        exit();
      } finally {
        mainLock.unlock();
      }
    }
    end(Cause.Kind.CLOSE, "it was closed");
    process.close();
    waitUntilGone();
  }

  private void exit() {
    cause.compareAndSet(null, new Cause(Cause.Kind.CLOSE, Thread.currentThread(), "it was closed"));
    main.ask(Lane.EXIT, 0, main.top(), 0, 0);
    main.post(Lane.TURN_CALL);
    try {
      process.waitFor(EXIT_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException inAHurry) {
      Thread.currentThread().interrupt();
    }
  }

  private void waitUntilGone() {
    boolean interrupted = false;
    for (; ; ) {
      try {
        gone.await();
        break;
      } catch (InterruptedException later) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  // Its parts.

  String name() {
    return options.library();
  }

  Options options() {
    return options;
  }

  CalleeSupport support() {
    return support;
  }

  Closures closures() {
    return closures;
  }

  Lanes lanes() {
    return lanes;
  }

  Lane desk() {
    return desk;
  }

  ThreadProc process() {
    return process;
  }

  @Nullable Duration limit() {
    return options.limit();
  }

  @Override
  public String toString() {
    Ending known = ending;
    return name() + ", " + (known == null ? "pid " + process.pid() : "ended: " + known.text());
  }
}
