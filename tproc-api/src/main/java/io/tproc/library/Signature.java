package io.tproc.library;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * What a C function takes and gives.
 *
 * <p>Immutable; equal when they are called alike.
 */
public final class Signature {
  /** As signature.h has it: what C guarantees. */
  private static final int ARGUMENTS_MAX = 127;

  private static final int FRAME_ALIGNMENT = 16;
  private static final int RESULT_LEAST = 16;
  private static final int NOT_VARIADIC = -1;

  private final CType result;
  private final List<CType> arguments;
  private final int fixed;
  private final int[] offsets;
  private final int frameSize;
  private final boolean hasStruct;

  private Signature(CType result, List<CType> arguments, int fixed) {
    this.result = result;
    this.arguments = arguments;
    this.fixed = fixed;
    this.offsets = new int[arguments.size()];
    this.frameSize = place();
    this.hasStruct = isStruct(result) || arguments.stream().anyMatch(Signature::isStruct);
  }

  private static boolean isStruct(CType type) {
    return type.kind() == CType.Kind.STRUCT;
  }

  /** As signature.c places them. */
  private int place() {
    int at = CType.aligned(Math.max(result.size(), RESULT_LEAST), FRAME_ALIGNMENT);
    for (int i = 0; i < offsets.length; i++) {
      offsets[i] = at;
      at += CType.aligned(arguments.get(i).size(), 8);
    }
    return CType.aligned(at, FRAME_ALIGNMENT);
  }

  /**
   * The signature of a function with a fixed number of arguments.
   *
   * @param result the type of what it returns
   * @param arguments the types of its arguments
   * @return the signature
   * @throws IllegalArgumentException when an argument is of type {@link CType#VOID}, or there are
   *     more than 127
   */
  public static Signature of(CType result, CType... arguments) {
    Objects.requireNonNull(arguments, "arguments");
    return of(result, Arrays.asList(arguments));
  }

  static Signature of(CType result, List<CType> arguments) {
    Objects.requireNonNull(result, "result");
    if (arguments.contains(CType.VOID)) {
      throw new IllegalArgumentException("an argument of type void");
    }
    if (arguments.size() > ARGUMENTS_MAX) {
      throw new IllegalArgumentException("more than 127 arguments: " + arguments.size());
    }
    return new Signature(result, List.copyOf(arguments), NOT_VARIADIC);
  }

  /**
   * The same arguments for a function that is declared with {@code …}, such as {@code printf}.
   *
   * @param count how many arguments stand before the {@code …}; those after it are promoted by C to
   *     {@code int} or {@code double} at least, so they must not be of smaller types
   * @return a new signature
   * @throws IllegalArgumentException when there are not so many, or C would promote one
   */
  public Signature variadicAfter(int count) {
    if (count < 0 || count > arguments.size()) {
      throw new IllegalArgumentException(
          "variadic after " + count + " of " + arguments.size() + " arguments");
    }
    for (CType type : arguments.subList(count, arguments.size())) {
      if (type.kind() != CType.Kind.STRUCT && type.size() < 4 || type.kind() == CType.Kind.FLOAT) {
        throw new IllegalArgumentException(
            "a variadic argument of type " + type + ": C promotes it to int or double");
      }
    }
    return new Signature(result, arguments, count);
  }

  /**
   * The type of the result.
   *
   * @return {@link CType#VOID} when there is none
   */
  public CType result() {
    return result;
  }

  /**
   * The types of the arguments, in their order.
   *
   * @return an unmodifiable list
   */
  public List<CType> arguments() {
    return arguments;
  }

  /** Where an argument lies in a frame. The result lies at 0. */
  int offset(int argument) {
    return offsets[argument];
  }

  /** Bytes of a frame. */
  int frameSize() {
    return frameSize;
  }

  /**
   * Whether a struct is given or returned. The function may use it where it lies in the frame for
   * as long as it runs: a result of more than two registers, and on aarch64 such an argument, too.
   */
  boolean hasStruct() {
    return hasStruct;
  }

  /** What the callee reads (signature.c). */
  String text() {
    StringBuilder text = new StringBuilder(result.text());
    for (int i = 0; i < arguments.size(); i++) {
      text.append(i == fixed ? ";" : "").append(arguments.get(i).text());
    }
    return text.append(fixed == arguments.size() ? ";" : "").toString();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Signature that
        && fixed == that.fixed
        && result.equals(that.result)
        && arguments.equals(that.arguments);
  }

  @Override
  public int hashCode() {
    return text().hashCode();
  }

  @Override
  public String toString() {
    return result + " " + arguments + (fixed == NOT_VARIADIC ? "" : " variadic after " + fixed);
  }
}
