package io.tproc.python;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Writes values as {@code tproc/calls.py} describes them. What cannot be written is an
 * IllegalArgumentException that says which part of which argument it is.
 */
final class ValueWriter {
  /** How deep lists and maps may be in each other. */
  static final int DEPTH_MAX = 100;

  /** Of all arguments of a call together, without buffers. */
  static final int SIZE_MAX = 1 << 30;

  private static final int PATH_SHOWN = 20;
  private static final String KINDS =
      "null, Boolean, whole and floating-point numbers, BigInteger, String, byte[], direct ByteBuffer, native"
          + " MemorySegment, List and Map can";

  private final int most;
  private final List<Memory> memories = new ArrayList<>();
  private final Deque<String> path = new ArrayDeque<>();
  private ByteBuffer bytes = ByteBuffer.allocate(256).order(ByteOrder.LITTLE_ENDIAN);

  ValueWriter() {
    this(SIZE_MAX);
  }

  /**
   * @param most bytes, without buffers
   */
  ValueWriter(int most) {
    this.most = most;
  }

  /** What has been written. */
  ByteBuffer bytes() {
    return bytes.duplicate().flip();
  }

  /** The memory that has been written of, in the order of its indices. */
  List<Memory> memories() {
    return memories;
  }

  /** Writes a call. */
  void call(String module, String name, @Nullable Object[] arguments, Map<String, ?> keywords) {
    open('l', 4);
    text(module);
    text(name);
    open('l', arguments.length);
    for (int i = 0; i < arguments.length; i++) {
      part("argument " + (i + 1), arguments[i]);
    }
    open('m', keywords.size());
    keywords.forEach(
        (keyword, value) -> {
          text(keyword);
          part("argument " + keyword, value);
        });
  }

  private void part(String what, @Nullable Object value) {
    path.addLast(what);
    value(value);
    path.removeLast();
  }

  void value(@Nullable Object value) {
    if (value == null) {
      room(1).put((byte) 'N');
    } else if (value instanceof Boolean truth) {
      room(1).put((byte) (truth ? 'T' : 'F'));
    } else if (value instanceof String text) {
      text(text);
    } else if (value instanceof Number number) {
      number(number);
    } else if (value instanceof byte[] array) {
      sized('b', array);
    } else if (value instanceof ByteBuffer buffer) {
      buffer(buffer);
    } else if (value instanceof List<?> list) {
      list(list.toArray());
    } else if (value instanceof Map<?, ?> map) {
      map(new ArrayList<>(map.entrySet()));
    } else {
      other(value);
    }
  }

  private void number(Number number) {
    if (number instanceof Double || number instanceof Float) {
      room(9).put((byte) 'd').putDouble(number.doubleValue());
    } else if (number instanceof Long
        || number instanceof Integer
        || number instanceof Short
        || number instanceof Byte) {
      room(9).put((byte) 'i').putLong(number.longValue());
    } else if (number instanceof BigInteger integer) {
      sized('I', integer.toByteArray());
    } else {
      other(number);
    }
  }

  private void text(String text) {
    try {
      ByteBuffer encoded = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
      open('s', encoded.remaining());
      room(encoded.remaining()).put(encoded);
    } catch (CharacterCodingException loneSurrogate) {
      open('u', Math.multiplyExact(2, text.length()));
      room(2 * text.length());
      text.chars().forEach(unit -> bytes.putChar((char) unit));
    }
  }

  private void sized(char kind, byte[] data) {
    open(kind, data.length);
    room(data.length).put(data);
  }

  private void list(Object[] values) {
    deeper();
    open('l', values.length);
    for (int i = 0; i < values.length; i++) {
      part("[" + i + "]", values[i]);
    }
  }

  private void map(List<? extends Map.Entry<?, ?>> entries) {
    deeper();
    open('m', entries.size());
    for (Map.Entry<?, ?> entry : entries) {
      Object key = entry.getKey();
      String shown = "[" + key + "]";
      if (!isKey(key)) {
        path.addLast(shown);
        throw refused("a key that is neither null, Boolean, a number nor a String: " + type(key));
      }
      part(shown, key);
      part(shown, entry.getValue());
    }
  }

  private static boolean isKey(@Nullable Object key) {
    return key == null || key instanceof Boolean || key instanceof Number || key instanceof String;
  }

  private void deeper() {
    if (path.size() > DEPTH_MAX) {
      throw refused("deeper than " + DEPTH_MAX + ", or it contains itself");
    }
  }

  private void buffer(ByteBuffer buffer) {
    if (!buffer.isDirect()) {
      throw refused("a buffer that is not direct; ByteBuffer.allocateDirect makes one");
    }
    memory(new Memory.Direct(buffer));
  }

  private void memory(Memory memory) {
    room(6).put((byte) 'v').putInt(memories.size()).put((byte) (memory.isReadOnly() ? 1 : 0));
    memories.add(memory);
  }

  private void other(Object value) {
    Memory memory;
    try {
      memory = PlatformMemory.of(value);
    } catch (IllegalArgumentException invisible) {
      throw refused(String.valueOf(invisible.getMessage()));
    }
    if (memory == null) {
      throw refused("a " + type(value) + " cannot go to Python; " + KINDS);
    }
    memory(memory);
  }

  private static String type(@Nullable Object value) {
    return value == null ? "null" : value.getClass().getTypeName();
  }

  private void open(char kind, int size) {
    room(5).put((byte) kind).putInt(size);
  }

  /** The bytes written so far, with room for so many more. */
  private ByteBuffer room(int size) {
    long needed = (long) bytes.position() + size;
    if (needed > most) {
      throw refused("more than " + (most >> 20) + " MiB; pass what is large as a direct buffer");
    }
    if (needed > bytes.capacity()) {
      long larger = Math.min(most, Math.max(needed, 2L * bytes.capacity()));
      ByteBuffer grown = ByteBuffer.allocate((int) larger).order(ByteOrder.LITTLE_ENDIAN);
      bytes = grown.put(bytes.flip());
    }
    return bytes;
  }

  private IllegalArgumentException refused(String why) {
    StringBuilder place = new StringBuilder();
    path.stream().limit(PATH_SHOWN).forEach(place::append);
    return new IllegalArgumentException(place + ": " + why);
  }
}
