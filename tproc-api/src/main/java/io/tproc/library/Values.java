package io.tproc.library;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.ShortBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Java values in memory of C, and back. */
final class Values {
  private static final BigDecimal TWO_TO_64 = new BigDecimal(BigInteger.ONE.shiftLeft(64));

  private Values() {}

  /** Where strings go, and what a callback or a buffer must belong to. */
  interface Place {
    long address(String text);

    long address(Buffer direct);

    long address(Callback callback);
  }

  /** Puts a value as an argument, or as a member of a struct. */
  static void put(ByteBuffer to, int at, CType type, @Nullable Object value, Place place) {
    switch (type.kind()) {
      case BOOL -> to.put(at, (byte) (asBoolean(value) ? 1 : 0));
      case SIGNED, UNSIGNED -> putInteger(to, at, type, integer(type, value));
      case FLOAT -> to.putFloat(at, (float) floating(type, value, Float.MAX_VALUE));
      case DOUBLE, LONG_DOUBLE -> to.putDouble(at, floating(type, value, Double.MAX_VALUE));
      case POINTER, STRING -> to.putLong(at, pointer(type, value, place));
      case STRUCT -> putStruct(to, at, type, value, place);
      case VOID -> {}
    }
  }

  /** Puts a result of a callback: an integer has 8 bytes there. */
  static void putResult(ByteBuffer to, int at, CType type, @Nullable Object value, Place place) {
    if (value == null) {
      zero(to, at, Math.max(type.size(), 8));
      return;
    }
    switch (type.kind()) {
      case BOOL -> to.putLong(at, asBoolean(value) ? 1 : 0);
      case SIGNED, UNSIGNED -> {
        to.putLong(at, 0);
        putInteger(to, at, type, integer(type, value));
        to.putLong(at, getInteger(to, at, type));
      }
      default -> put(to, at, type, value, place);
    }
  }

  static void zero(ByteBuffer memory, int at, int size) {
    for (int i = 0; i < size; i++) {
      memory.put(at + i, (byte) 0);
    }
  }

  /** What is there; null for void. A string is its address. */
  static @Nullable Object get(ByteBuffer from, int at, CType type) {
    return switch (type.kind()) {
      case VOID -> null;
      case BOOL -> from.get(at) != 0;
      case SIGNED, UNSIGNED -> boxed(type, getInteger(from, at, type));
      case FLOAT -> from.getFloat(at);
      case DOUBLE, LONG_DOUBLE -> from.getDouble(at);
      case POINTER, STRING -> from.getLong(at);
      case STRUCT -> copy(from, at, type.size());
    };
  }

  private static Object boxed(CType type, long value) {
    if (type.size() < 4 || type.equals(CType.INT)) {
      return (int) value;
    }
    return value;
  }

  private static ByteBuffer copy(ByteBuffer from, int at, int size) {
    ByteBuffer copy = ByteBuffer.allocate(size).order(ByteOrder.nativeOrder());
    return copy.put(0, from, at, size);
  }

  private static long getInteger(ByteBuffer from, int at, CType type) {
    boolean signed = type.kind() == CType.Kind.SIGNED;
    return switch (type.size()) {
      case 1 -> signed ? from.get(at) : from.get(at) & 0xff;
      case 2 -> signed ? from.getShort(at) : from.getShort(at) & 0xffff;
      case 4 -> signed ? from.getInt(at) : from.getInt(at) & 0xffff_ffffL;
      default -> from.getLong(at);
    };
  }

  private static void putInteger(ByteBuffer to, int at, CType type, long value) {
    switch (type.size()) {
      case 1 -> to.put(at, (byte) value);
      case 2 -> to.putShort(at, (short) value);
      case 4 -> to.putInt(at, (int) value);
      default -> to.putLong(at, value);
    }
  }

  private static boolean asBoolean(@Nullable Object value) {
    if (value instanceof Boolean truth) {
      return truth;
    }
    return number(CType.BOOL, value).doubleValue() != 0;
  }

  /** A number fits when its bits do, be they meant as signed or as unsigned. */
  private static long integer(CType type, @Nullable Object value) {
    if (value instanceof Boolean truth) {
      return truth ? 1 : 0;
    }
    Number number = value instanceof Character character ? (int) character : number(type, value);
    requireWhole(type, number);
    long whole = number.longValue();
    int bits = 8 * type.size();
    if (bits < 64 && (whole < -(1L << (bits - 1)) || whole >= 1L << bits)) {
      throw outOfRange(type, whole);
    }
    return whole;
  }

  /** What {@link Number#longValue} would cut off is refused. */
  private static void requireWhole(CType type, Number number) {
    if (number instanceof BigInteger large) {
      if (large.bitLength() > (large.signum() < 0 ? 63 : 64)) {
        throw outOfRange(type, number);
      }
    } else if (number instanceof BigDecimal decimal) {
      if (decimal.stripTrailingZeros().scale() > 0) {
        throw mismatch(type, number);
      }
      if (decimal.abs().compareTo(TWO_TO_64) >= 0) {
        throw outOfRange(type, number);
      }
      requireWhole(type, decimal.toBigInteger());
    } else if (number instanceof Double
        || number instanceof Float
        || number.doubleValue() != (double) number.longValue()) {
      throw mismatch(type, number);
    }
  }

  private static double floating(CType type, @Nullable Object value, double largest) {
    Number number = number(type, value);
    double floating = number.doubleValue();
    boolean infinite = number instanceof Double || number instanceof Float;
    if (Math.abs(floating) > largest && !(infinite && Double.isInfinite(floating))) {
      throw outOfRange(type, number);
    }
    return floating;
  }

  private static IllegalArgumentException outOfRange(CType type, Number number) {
    return new IllegalArgumentException("out of the range of " + type + ": " + number);
  }

  private static Number number(CType type, @Nullable Object value) {
    if (value instanceof Number number) {
      return number;
    }
    throw mismatch(type, value);
  }

  private static IllegalArgumentException mismatch(CType type, @Nullable Object value) {
    return new IllegalArgumentException(
        "not a value for "
            + type
            + ": "
            + (value == null ? "null" : value + " (" + value.getClass().getName() + ")"));
  }

  private static long pointer(CType type, @Nullable Object value, Place place) {
    if (value == null) {
      return 0;
    }
    if (value instanceof Long address) {
      return address;
    }
    if (value instanceof String text) {
      return place.address(text);
    }
    if (value instanceof Buffer buffer) {
      if (!buffer.isDirect()) {
        throw new IllegalArgumentException(
            "not a direct buffer: the garbage collector may move a heap buffer; use ByteBuffer.allocateDirect");
      }
      requireOrder(buffer);
      return place.address(buffer) + ((long) buffer.position() << shift(buffer));
    }
    if (value instanceof Callback callback) {
      return place.address(callback);
    }
    throw mismatch(type, value);
  }

  /** A buffer of bytes has an order for each access; the elements of others have one in memory. */
  private static void requireOrder(Buffer buffer) {
    ByteOrder order = order(buffer);
    if (order != ByteOrder.nativeOrder()) {
      throw new IllegalArgumentException(
          "elements in "
              + order
              + " order, where C uses "
              + ByteOrder.nativeOrder()
              + ": make the buffer of a ByteBuffer with order(ByteOrder.nativeOrder()): "
              + buffer);
    }
  }

  private static ByteOrder order(Buffer buffer) {
    if (buffer instanceof ShortBuffer shorts) {
      return shorts.order();
    }
    if (buffer instanceof CharBuffer chars) {
      return chars.order();
    }
    if (buffer instanceof IntBuffer ints) {
      return ints.order();
    }
    if (buffer instanceof FloatBuffer floats) {
      return floats.order();
    }
    if (buffer instanceof LongBuffer longs) {
      return longs.order();
    }
    return buffer instanceof DoubleBuffer doubles ? doubles.order() : ByteOrder.nativeOrder();
  }

  private static int shift(Buffer buffer) {
    if (buffer instanceof ByteBuffer) {
      return 0;
    }
    if (buffer instanceof ShortBuffer || buffer instanceof CharBuffer) {
      return 1;
    }
    if (buffer instanceof IntBuffer || buffer instanceof FloatBuffer) {
      return 2;
    }
    if (buffer instanceof LongBuffer || buffer instanceof DoubleBuffer) {
      return 3;
    }
    throw new IllegalArgumentException("not a buffer of java.nio: " + buffer);
  }

  private static void putStruct(
      ByteBuffer to, int at, CType type, @Nullable Object value, Place place) {
    if (value instanceof ByteBuffer bytes) {
      if (bytes.remaining() != type.size()) {
        throw new IllegalArgumentException(
            type + " has " + type.size() + " bytes, and not " + bytes.remaining());
      }
      to.put(at, bytes, bytes.position(), type.size());
    } else if (value instanceof Record members) {
      putMembers(to, at, type, Records.values(members), place);
    } else {
      throw mismatch(type, value);
    }
  }

  private static void putMembers(
      ByteBuffer to, int at, CType type, List<@Nullable Object> values, Place place) {
    if (values.size() != type.members().size()) {
      throw new IllegalArgumentException(
          type + " has " + type.members().size() + " members, and not " + values.size());
    }
    zero(to, at, type.size());
    int end = 0;
    for (int i = 0; i < values.size(); i++) {
      CType member = type.members().get(i);
      int offset = CType.aligned(end, member.alignment());
      put(to, at + offset, member, values.get(i), place);
      end = offset + member.size();
    }
  }

  /** What a text is as {@code char *}: null when it holds a NUL, where C would end it. */
  static byte[] terminated(String text) {
    if (text.indexOf('\0') >= 0) {
      throw new IllegalArgumentException("a string with NUL in it, where C ends it");
    }
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return java.util.Arrays.copyOf(bytes, bytes.length + 1);
  }
}
