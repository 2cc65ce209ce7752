package io.tproc.library;

import io.tproc.library.CType.Kind;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A C function of a library, to be called. Made by {@link ContainedLibrary#function(String,
 * Signature)} and {@link LibraryPool#function(String, Signature)}.
 *
 * <p>Thread-safe. One of a library belongs to one instance of it: when that has ended, calls throw
 * {@link StaleLibraryException}. One of a pool is called in whatever instance is free. As long as
 * it is reachable, its library is.
 */
public abstract sealed class ContainedFunction permits BoundFunction, PooledFunction {
  private final String name;
  private final Signature signature;

  ContainedFunction(String name, Signature signature) {
    this.name = name;
    this.signature = signature;
  }

  /**
   * This function, with a time limit: a call that takes longer ends the library, and throws {@link
   * LibraryTimeoutException}. Callbacks of the call count, and what they call in the library, but
   * Java code is not cut off: a callback that takes longer returns first.
   *
   * @param limit from when the call begins to run; more than zero
   * @return a new function
   * @throws IllegalArgumentException when it is not more than zero
   */
  public abstract ContainedFunction within(Duration limit);

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
   * @throws LibraryTurnException when this thread was interrupted before, or while the call waited
   *     for its turn; nothing was called
   * @throws IllegalArgumentException when an argument does not fit; nothing was called
   */
  public abstract @Nullable Object call(@Nullable Object... arguments);

  /**
   * As {@link #call}, for functions that give an integer of at most 32 bits, or a boolean.
   *
   * @param arguments see there
   * @return the result; of {@link CType#UNSIGNED_INT} the same bits
   * @throws ClassCastException when the function gives something else; nothing was called
   */
  public int callInt(@Nullable Object... arguments) {
    requireResult(gives(Kind.BOOL) || givesInteger() && signature.result().size() <= 4, "an int");
    return (int) integer(arguments);
  }

  /**
   * As {@link #call}, for functions that give an integer or a pointer.
   *
   * @param arguments see there
   * @return the result
   * @throws ClassCastException when the function gives something else; nothing was called
   */
  public long callLong(@Nullable Object... arguments) {
    requireResult(gives(Kind.BOOL) || givesInteger() || gives(Kind.POINTER), "a long");
    return integer(arguments);
  }

  private boolean gives(Kind kind) {
    return signature.result().kind() == kind;
  }

  private boolean givesInteger() {
    return gives(Kind.SIGNED) || gives(Kind.UNSIGNED);
  }

  /** Before the call: nothing is called for a result that is not wanted. */
  private void requireResult(boolean right, String wanted) {
    if (!right) {
      throw new ClassCastException(name + " gives " + signature.result() + ", not " + wanted);
    }
  }

  private long integer(@Nullable Object... arguments) {
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
   * @throws ClassCastException when the function gives something else; nothing was called
   */
  public double callDouble(@Nullable Object... arguments) {
    requireResult(
        gives(Kind.FLOAT) || gives(Kind.DOUBLE) || gives(Kind.LONG_DOUBLE), "a floating number");
    return ((Number) Objects.requireNonNull(call(arguments))).doubleValue();
  }

  /**
   * As {@link #call}, for functions that give a {@link CType#STRING}.
   *
   * @param arguments see there
   * @return a copy of the text, or null when the pointer is
   * @throws ClassCastException when the function gives something else; nothing was called
   */
  public @Nullable String callString(@Nullable Object... arguments) {
    requireResult(gives(Kind.STRING), "a string");
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

  static Duration positive(Duration limit) {
    Objects.requireNonNull(limit, "limit");
    if (limit.isNegative() || limit.isZero()) {
      throw new IllegalArgumentException("no time: " + limit);
    }
    return limit;
  }

  @Override
  public String toString() {
    return "ContainedFunction[" + name + ", " + signature + "]";
  }
}
