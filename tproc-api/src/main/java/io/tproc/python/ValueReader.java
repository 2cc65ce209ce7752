package io.tproc.python;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads values as {@code tproc/calls.py} describes them, out of bytes that a program has written,
 * which may be any. IllegalArgumentException: they are no values.
 */
final class ValueReader {
  private final ByteBuffer bytes;
  private final List<Memory> memories;

  ValueReader(ByteBuffer bytes, List<Memory> memories) {
    this.bytes = bytes.slice().order(ByteOrder.LITTLE_ENDIAN);
    this.memories = memories;
  }

  /** Reads the one value that all of the bytes are. */
  @Nullable Object whole() {
    Object value = value(0);
    if (bytes.hasRemaining()) {
      throw new IllegalArgumentException(bytes.remaining() + " bytes too many");
    }
    return value;
  }

  private @Nullable Object value(int depth) {
    if (depth > ValueWriter.DEPTH_MAX + 2) { // the response itself is a list
      throw new IllegalArgumentException("deeper than " + ValueWriter.DEPTH_MAX);
    }
    byte kind = take(1).get();
    return switch (kind) {
      case 'N' -> null;
      case 'T' -> true;
      case 'F' -> false;
      case 'i' -> take(Long.BYTES).getLong();
      case 'I' -> integer(sized());
      case 'd' -> take(Double.BYTES).getDouble();
      case 's' -> text(sized());
      case 'u' -> units(sized());
      case 'b' -> array(sized());
      case 'l' -> list(depth + 1);
      case 'm' -> map(depth + 1);
      case 'v' -> memory();
      default -> throw new IllegalArgumentException("no value begins with " + kind);
    };
  }

  /** The next bytes. */
  private ByteBuffer take(long size) {
    if (size < 0 || size > bytes.remaining()) {
      throw new IllegalArgumentException(
          size + " bytes at " + bytes.position() + " of " + bytes.limit());
    }
    ByteBuffer taken = bytes.slice(bytes.position(), (int) size).order(ByteOrder.LITTLE_ENDIAN);
    bytes.position(bytes.position() + (int) size);
    return taken;
  }

  private long count() {
    return Integer.toUnsignedLong(take(Integer.BYTES).getInt());
  }

  private ByteBuffer sized() {
    return take(count());
  }

  private static byte[] array(ByteBuffer data) {
    byte[] array = new byte[data.remaining()];
    data.get(array);
    return array;
  }

  private static BigInteger integer(ByteBuffer data) {
    if (!data.hasRemaining()) {
      throw new IllegalArgumentException("an integer of no bytes");
    }
    return new BigInteger(array(data));
  }

  private static String text(ByteBuffer data) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(data).toString();
    } catch (CharacterCodingException wrong) {
      throw new IllegalArgumentException("text that is not UTF-8", wrong);
    }
  }

  private static String units(ByteBuffer data) {
    if (data.remaining() % Character.BYTES != 0) {
      throw new IllegalArgumentException("half a character");
    }
    return data.asCharBuffer().toString();
  }

  private List<@Nullable Object> list(int depth) {
    long count = count();
    if (count > bytes.remaining()) { // each has at least one
      throw new IllegalArgumentException(count + " values in " + bytes.remaining() + " bytes");
    }
    List<@Nullable Object> values = new ArrayList<>((int) count);
    for (long i = 0; i < count; i++) {
      values.add(value(depth));
    }
    return values;
  }

  private Map<@Nullable Object, @Nullable Object> map(int depth) {
    long count = count();
    Map<@Nullable Object, @Nullable Object> values = new LinkedHashMap<>();
    for (long i = 0; i < count; i++) {
      Object key = value(depth);
      values.put(key, value(depth));
    }
    return values;
  }

  private Object memory() {
    long index = count();
    long offset = take(Long.BYTES).getLong();
    long size = take(Long.BYTES).getLong();
    if (index >= memories.size()) {
      throw new IllegalArgumentException("buffer " + index + " of " + memories.size());
    }
    Memory memory = memories.get((int) index);
    if (offset < 0 || size < 0 || size > memory.size() || offset > memory.size() - size) {
      throw new IllegalArgumentException(
          size + " bytes at " + offset + " of a buffer of " + memory.size());
    }
    return memory.part(offset, size);
  }
}
