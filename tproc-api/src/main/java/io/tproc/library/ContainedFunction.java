package io.tproc.library;

import java.lang.ref.Reference;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A C function of a library, to be called. Made by {@link ContainedLibrary#function(String,
 * Signature)}.
 *
 * <p>Thread-safe. It belongs to one instance of the library: when that has ended, calls throw
 * {@link StaleLibraryException}.
 */
public final class ContainedFunction {
  private final Instance instance;
  private final String name;
  private final Signature signature;
  private final long prepared;
  private final @Nullable Duration limit;

  ContainedFunction(
      Instance instance,
      String name,
      Signature signature,
      long prepared,
      @Nullable Duration limit) {
    this.instance = instance;
    this.name = name;
    this.signature = signature;
    this.prepared = prepared;
    this.limit = limit;
  }

  /**
   * This function, with a time limit: a call that takes longer ends the library, and throws {@link
   * LibraryTimeoutException}.
   *
   * @param newLimit from when the call begins to run; more than zero
   * @return a new function
   */
  public ContainedFunction within(Duration newLimit) {
    return new ContainedFunction(instance, name, signature, prepared, positive(newLimit));
  }

  static Duration positive(Duration limit) {
    if (limit.isNegative() || limit.isZero()) {
      throw new IllegalArgumentException("no time: " + limit);
    }
    return limit;
  }

  /**
   * Calls the function.
   *
   * @param arguments one for each of the signature's: numbers of any type for numbers, if they fit;
   *     a direct buffer, a {@link Callback}, a {@link String}, an address or null for pointers; a
   *     {@link ByteBuffer} or a record for structs. Buffers and strings need to be valid only until
   *     the call returns
   * @return null for {@link CType#VOID}; a {@link Boolean}; an {@link Integer} for integers of up
   *     to 32 bits, but a {@link Long} for {@link CType#UNSIGNED_INT}; a {@link Long} for other
   *     integers and pointers; a {@link Float}; a {@link Double}; a {@link String}, which is null
   *     when the pointer is; a new {@link ByteBuffer} in native byte order for a struct
   * @throws LibraryCrashedException when the library ends before it returns
   * @throws LibraryTimeoutException when it was ended because the time limit was over
   * @throws LibraryInterruptedException when it was ended because this thread was interrupted
   * @throws StaleLibraryException when the library's instance has ended before; nothing was called
   * @throws IllegalArgumentException when an argument does not fit; nothing was called
   */
  public @Nullable Object call(@Nullable Object... arguments) {
    if (arguments.length != signature.arguments().size()) {
      throw new IllegalArgumentException(
          name + " takes " + signature.arguments().size() + " arguments, not " + arguments.length);
    }
    Lane lane = instance.enter(name);
    int top = lane.top();
    Kept kept = new Kept(instance, lane);
    try {
      return call(lane, arguments, kept);
    } finally {
      Reference.reachabilityFence(arguments);
      Reference.reachabilityFence(kept);
      lane.pop(top);
      instance.leave();
    }
  }

  private @Nullable Object call(Lane lane, @Nullable Object[] arguments, Kept kept) {
    int frame = lane.push(signature.frameSize());
    ByteBuffer memory = lane.memory();
    List<CType> types = signature.arguments();
    for (int i = 0; i < arguments.length; i++) {
      Values.put(memory, frame + signature.offset(i), types.get(i), arguments[i], kept);
    }
    lane.ask(Lane.CALL, prepared, frame, 0, 0);
    instance.perform(lane, new CallWait(instance, name, limit), name);
    CType type = signature.result();
    Object result = Values.get(memory, frame, type);
    return type.kind() == CType.Kind.STRING
        ? instance.text((long) Objects.requireNonNull(result))
        : result;
  }

  /**
   * As {@link #call}, for functions that give an integer of at most 32 bits, or a boolean.
   *
   * @param arguments see there
   * @return the result; of {@link CType#UNSIGNED_INT} the same bits
   * @throws ClassCastException when the function gives something else
   */
  public int callInt(@Nullable Object... arguments) {
    return (int) callLong(arguments);
  }

  /**
   * As {@link #call}, for functions that give an integer or a pointer.
   *
   * @param arguments see there
   * @return the result
   * @throws ClassCastException when the function gives something else
   */
  public long callLong(@Nullable Object... arguments) {
    Object result = call(arguments);
    if (result instanceof Boolean truth) {
      return truth ? 1 : 0;
    }
    return ((Number) Objects.requireNonNull(result)).longValue();
  }

  /**
   * As {@link #call}, for functions that give a float or a double.
   *
   * @param arguments see there
   * @return the result
   * @throws ClassCastException when the function gives something else
   */
  public double callDouble(@Nullable Object... arguments) {
    return ((Number) Objects.requireNonNull(call(arguments))).doubleValue();
  }

  /**
   * As {@link #call}, for functions that give a {@link CType#STRING}.
   *
   * @param arguments see there
   * @return a copy of the text, or null when the pointer is
   * @throws ClassCastException when the function gives something else
   */
  public @Nullable String callString(@Nullable Object... arguments) {
    return (String) call(arguments);
  }

  /**
   * The function's name.
   *
   * @return as it was looked up; an address in hexadecimal when it was made from one
   */
  public String name() {
    return name;
  }

  /**
   * What it takes and gives.
   *
   * @return the signature that it was made with
   */
  public Signature signature() {
    return signature;
  }

  @Override
  public String toString() {
    return "ContainedFunction[" + name + ", " + signature + ", " + instance + "]";
  }

  /** The memory of strings: the lane's own, or a buffer's of their own when that is too small. */
  private static final class Kept implements Values.Place {
    private static final int LANE_ROOM = 2048;

    private final Instance instance;
    private final Lane lane;
    private final List<ByteBuffer> buffers = new ArrayList<>(0);

    Kept(Instance instance, Lane lane) {
      this.instance = instance;
      this.lane = lane;
    }

    @Override
    public long address(String text) {
      byte[] bytes = Values.terminated(text);
      if (bytes.length < lane.room() - LANE_ROOM) {
        int at = lane.push(bytes.length);
        lane.memory().put(at, bytes);
        return lane.address() + at;
      }
      ByteBuffer buffer = ByteBuffer.allocateDirect(bytes.length).put(0, bytes);
      buffers.add(buffer);
      return instance.support().address(buffer);
    }

    @Override
    public long address(Buffer direct) {
      return instance.support().address(direct);
    }

    @Override
    public long address(Callback callback) {
      if (callback.instance() != instance) {
        throw new IllegalArgumentException(
            callback + " belongs to another instance: " + callback.instance());
      }
      return callback.address();
    }
  }
}
