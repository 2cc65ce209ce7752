package io.tproc.library;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * A type of C, as Linux on 64 bits has it: {@code int} has 32 bits, {@code long} and pointers 64.
 *
 * <p>Immutable; equal when they are laid out and passed alike.
 */
public final class CType {
  /** How a value is put into memory, and what it is in Java. */
  enum Kind {
    VOID,
    BOOL,
    SIGNED,
    UNSIGNED,
    FLOAT,
    DOUBLE,
    LONG_DOUBLE,
    POINTER,
    STRING,
    STRUCT
  }

  /** No result. */
  public static final CType VOID = new CType(Kind.VOID, "v", 0, 1);

  /** {@code bool}: a {@link Boolean} in Java. */
  public static final CType BOOL = new CType(Kind.BOOL, "B", 1, 1);

  /** {@code signed char}, {@code int8_t}; also {@code char} on x86_64. */
  public static final CType BYTE = new CType(Kind.SIGNED, "b", 1, 1);

  /** {@code unsigned char}, {@code uint8_t}; also {@code char} on aarch64. */
  public static final CType UNSIGNED_BYTE = new CType(Kind.UNSIGNED, "B", 1, 1);

  /** {@code short}, {@code int16_t}. */
  public static final CType SHORT = new CType(Kind.SIGNED, "s", 2, 2);

  /** {@code unsigned short}, {@code uint16_t}. */
  public static final CType UNSIGNED_SHORT = new CType(Kind.UNSIGNED, "S", 2, 2);

  /** {@code int}, {@code int32_t}, and most enumerations. */
  public static final CType INT = new CType(Kind.SIGNED, "i", 4, 4);

  /** {@code unsigned}, {@code uint32_t}. As a result it is a {@link Long} in Java. */
  public static final CType UNSIGNED_INT = new CType(Kind.UNSIGNED, "I", 4, 4);

  /** {@code long}, {@code long long}, {@code int64_t}, {@code size_t} and its relatives. */
  public static final CType LONG = new CType(Kind.SIGNED, "l", 8, 8);

  /** {@code float}. */
  public static final CType FLOAT = new CType(Kind.FLOAT, "f", 4, 4);

  /** {@code double}. */
  public static final CType DOUBLE = new CType(Kind.DOUBLE, "d", 8, 8);

  /**
   * {@code long double}: a {@link Double} in Java, so that bits beyond its precision are lost. Not
   * for members of structs.
   */
  public static final CType LONG_DOUBLE = new CType(Kind.LONG_DOUBLE, "D", 8, 8);

  /**
   * Any pointer: a {@link Long} in Java. As an argument also a direct buffer, whose address at its
   * position is passed; a {@link Callback}; a {@link String}, as for {@link #STRING}; or null.
   */
  public static final CType POINTER = new CType(Kind.POINTER, "p", 8, 8);

  /**
   * {@code const char *}: a {@link String} in Java, in UTF-8. As an argument it is copied, and the
   * copy lives until the call returns; as a result it is copied, and nothing is freed.
   */
  public static final CType STRING = new CType(Kind.STRING, "p", 8, 8);

  private final Kind kind;
  private final String text;
  private final int size;
  private final int alignment;
  private final List<CType> members;

  private CType(Kind kind, String text, int size, int alignment) {
    this(kind, text, size, alignment, List.of());
  }

  private CType(Kind kind, String text, int size, int alignment, List<CType> members) {
    this.kind = kind;
    this.text = text;
    this.size = size;
    this.alignment = alignment;
    this.members = members;
  }

  /**
   * A struct that is passed or returned by value: in Java a {@link java.nio.ByteBuffer} with its
   * {@link #size()} bytes, or a record whose components are its members.
   *
   * @param members the types of its members in their order; at least one. An array is so many
   *     members. Padding is put between them as C compilers do
   * @return the type
   * @throws IllegalArgumentException when there is no member, or one is of type {@link #VOID} or
   *     {@link #LONG_DOUBLE}
   */
  public static CType struct(CType... members) {
    Objects.requireNonNull(members, "members");
    if (members.length == 0) {
      throw new IllegalArgumentException("a struct without members");
    }
    StringBuilder text = new StringBuilder("{");
    int end = 0;
    int alignment = 1;
    for (CType member : members) {
      if (member.kind == Kind.VOID || member.kind == Kind.LONG_DOUBLE) {
        throw new IllegalArgumentException("a member of type " + member);
      }
      text.append(member.text);
      end = aligned(end, member.alignment) + member.size;
      alignment = Math.max(alignment, member.alignment);
    }
    return new CType(
        Kind.STRUCT,
        text.append('}').toString(),
        aligned(end, alignment),
        alignment,
        List.copyOf(Arrays.asList(members)));
  }

  /**
   * How many bytes a value has in memory.
   *
   * @return 0 for {@link #VOID}; 8 for {@link #LONG_DOUBLE}, which is a double here
   */
  public int size() {
    return size;
  }

  /**
   * The number that addresses of values are multiples of.
   *
   * @return 1, 2, 4 or 8
   */
  public int alignment() {
    return alignment;
  }

  /**
   * The members of a struct.
   *
   * @return empty when this is no struct
   */
  public List<CType> members() {
    return members;
  }

  Kind kind() {
    return kind;
  }

  /** What the callee reads (signature.c). */
  String text() {
    return text;
  }

  static int aligned(int size, int alignment) {
    return (size + alignment - 1) / alignment * alignment;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof CType that && kind == that.kind && text.equals(that.text);
  }

  @Override
  public int hashCode() {
    return 31 * kind.hashCode() + text.hashCode();
  }

  @Override
  public String toString() {
    return switch (kind) {
      case STRUCT -> "struct " + members;
      case SIGNED, UNSIGNED -> (kind == Kind.SIGNED ? "int" : "uint") + 8 * size;
      default -> kind.name().toLowerCase(java.util.Locale.ROOT);
    };
  }
}
