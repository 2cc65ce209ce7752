package io.tproc.library;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The function pointers of an instance that lead to Java, and the threads that run them when a
 * thread of the library's own calls one.
 */
final class Closures {
  /** As SERVICE_NEEDS_LANE: no closure, but the callee asks for a lane for a thread. */
  private static final long NEEDS_LANE = 0;

  /**
   * One function pointer.
   *
   * @param number what the callee says when it is called
   * @param address the function pointer
   * @param pointer the callee's object
   * @param signature what it takes and gives
   * @param body what runs
   */
  record Closure(long number, long address, long pointer, Signature signature, CallbackBody body) {}

  private record Body(Signature signature, CallbackBody body) {}

  private final Instance instance;
  private final Map<Long, Body> bodies = new ConcurrentHashMap<>();
  private final AtomicLong numbers = new AtomicLong(NEEDS_LANE + 1);
  private final AtomicBoolean deskOpen = new AtomicBoolean();

  Closures(Instance instance) {
    this.instance = instance;
  }

  Closure make(Signature signature, CallbackBody body) {
    if (deskOpen.compareAndSet(false, true)) {
      serve(instance.desk(), "tproc-callbacks");
    }
    long number = numbers.getAndIncrement();
    bodies.put(number, new Body(signature, body));
    try {
      return instance.makeClosure(number, signature, body);
    } catch (RuntimeException failed) {
      bodies.remove(number);
      throw failed;
    }
  }

  void free(Closure closure) {
    if (bodies.remove(closure.number()) != null) {
      instance.freeClosure(closure.pointer());
    }
  }

  /** Serves a lane of one of the library's own threads until the instance has ended. */
  private void serve(Lane lane, String name) {
    Thread server =
        new Thread(
            null,
            () -> {
              instance.lanes().serve(lane);
              while (lane.awaitCallback((asleep, turn) -> asleep.sleepNatively(turn, -1))
                  == Lane.TURN_CALLBACK) {
                @Nullable Throwable failed = run(lane);
                if (failed != null && !isOfEnd(failed)) {
                  report(failed);
                }
                if (lane.torn) {
                  instance.endTorn();
                  return;
                }
                lane.post(Lane.TURN_RETURN);
              }
            },
            name,
            0,
            false);
    server.setDaemon(true);
    server.start();
  }

  /** What the library's end was heard as in a callback is no failure of the callback's. */
  private boolean isOfEnd(Throwable failed) {
    return !instance.isAlive()
        && (failed instanceof LibraryCrashedException || failed instanceof StaleLibraryException);
  }

  /** No call is there to throw it. */
  private void report(Throwable failed) {
    try {
      System.getLogger("io.tproc.library")
          .log(
              System.Logger.Level.ERROR,
              "a callback from a thread of " + instance.name() + "'s own failed",
              failed);
    } catch (RuntimeException | Error ofHandler) {
      // The application's: the library's thread waits for its callback to return.
    }
  }

  /**
   * Runs the callback that a lane has been asked for.
   *
   * @return what it threw
   */
  @Nullable Throwable run(Lane lane) {
    int frame = lane.callbackFrame();
    if (lane.callback() == NEEDS_LANE) {
      lane.memory().putLong(frame, openGuestLane());
      return null;
    }
    Body body = bodies.get(lane.callback());
    if (body == null) { // freed, and its memory is another closure's: the library's mistake
      lane.memory().putLong(frame, 0);
      return new IllegalStateException("a callback was called after it had been freed");
    }
    return run(lane, frame, body);
  }

  private long openGuestLane() {
    Lane lane = instance.newLane();
    serve(lane, "tproc-callback");
    return lane.address();
  }

  private @Nullable Throwable run(Lane lane, int frame, Body body) {
    Signature signature = body.signature();
    CType result = signature.result();
    int top = lane.top();
    try {
      @Nullable Object given = body.body().call(arguments(lane, frame, signature));
      Values.putResult(lane.memory(), frame, result, given, new ResultPlace(instance));
      return null;
    } catch (Throwable failed) {
      Values.zero(lane.memory(), frame, Math.max(result.size(), 8));
      return failed;
    } finally {
      lane.pop(top);
    }
  }

  private Object[] arguments(Lane lane, int frame, Signature signature) {
    Object[] arguments = new Object[signature.arguments().size()];
    for (int i = 0; i < arguments.length; i++) {
      CType type = signature.arguments().get(i);
      Object value =
          java.util.Objects.requireNonNull(
              Values.get(lane.memory(), frame + signature.offset(i), type));
      arguments[i] = type.kind() == CType.Kind.STRING ? instance.text((long) value) : value;
    }
    return arguments;
  }

  /** A callback's result outlives its copy: a string has nowhere to be. */
  private record ResultPlace(Instance instance) implements Values.Place {
    @Override
    public long address(String text) {
      throw new IllegalArgumentException(
          "a callback cannot return a String: it would never be freed; return the address of memory that you keep");
    }

    @Override
    public long address(java.nio.Buffer direct) {
      return instance.support().address(direct);
    }

    @Override
    public long address(Callback callback) {
      return callback.address();
    }
  }
}
