package io.tproc.arrow;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a program has answered, as {@code tproc_arrow.h} writes it: schema and array in one, with
 * the addresses of the buffers. All of it lies in the response's own bytes; nothing here is read
 * from memory of the program's.
 *
 * @param isKept whether the program has moved the request's columns out, and releases them later
 * @param pid the program's
 * @param used bytes of the block that came with it, which the result lies in
 * @param root the columns; null when it has not answered with any
 */
record Description(boolean isKept, long pid, long used, @Nullable Node root) {
  /** A column, or what is inside of one. */
  record Node(
      long length,
      long nullCount,
      long flags,
      long[] buffers,
      String format,
      String name,
      Map<String, String> metadata,
      List<Node> children,
      @Nullable Node dictionary) {
    boolean isNullable() {
      return (flags & NULLABLE) != 0;
    }

    boolean isOrdered() {
      return (flags & ORDERED) != 0;
    }

    boolean hasSortedKeys() {
      return (flags & KEYS_SORTED) != 0;
    }
  }

  /** {@code struct tproc_arrow_head}. */
  static final int HEAD = 24;

  static final int MAGIC = 0x31415054; // "TPA1" on a little-endian machine
  static final int KEPT = 1;
  static final int BATCH = 2;

  private static final long ORDERED = 1;
  private static final long NULLABLE = 2;
  private static final long KEYS_SORTED = 4;
  private static final int DEPTH_MAX = 64;
  private static final int BUFFERS_MAX = 3;

  /** Whether bytes are an answer of a program that has used {@code tproc_arrow.h}. */
  static boolean isOne(ByteBuffer data) {
    return data.remaining() >= HEAD && data.getInt(data.position()) == MAGIC;
  }

  /** As {@link #read}, but only who it is, and whether it keeps the request's columns. */
  static Description head(ByteBuffer data) {
    ByteBuffer head = data.duplicate().order(data.order());
    int flags = head.getInt(head.position() + 4);
    long pid = head.getLong(head.position() + 8);
    return new Description((flags & KEPT) != 0, pid, head.getLong(head.position() + 16), null);
  }

  /**
   * Reads an answer.
   *
   * @param data as {@link #isOne} says
   * @throws ArrowFormatException when it is not right
   */
  static Description read(ByteBuffer data) {
    Description head = head(data);
    if ((data.getInt(data.position() + 4) & BATCH) == 0) {
      return head;
    }
    ByteBuffer body = data.duplicate().order(data.order());
    body.position(body.position() + HEAD);
    try {
      Node root = node(body, 0);
      if (body.hasRemaining()) {
        throw new IllegalArgumentException("more than a batch");
      }
      return new Description(head.isKept, head.pid, head.used, root);
    } catch (BufferUnderflowException | IllegalArgumentException cut) {
      throw new ArrowFormatException("the result: its description is cut off, or wrong");
    }
  }

  private static Node node(ByteBuffer from, int depth) {
    if (depth > DEPTH_MAX) {
      throw new ArrowFormatException("the result: its columns are too deep in each other");
    }
    long length = from.getLong();
    long nullCount = from.getLong();
    long flags = from.getLong();
    int formatSize = from.getInt();
    int nameSize = from.getInt();
    int metadataSize = from.getInt();
    int bufferCount = from.getInt();
    int childCount = from.getInt();
    boolean hasDictionary = from.getInt() != 0;
    if (bufferCount < 0 || bufferCount > BUFFERS_MAX || childCount < 0) {
      throw new IllegalArgumentException("counts that no type has");
    }
    long[] buffers = new long[bufferCount];
    for (int i = 0; i < bufferCount; i++) {
      buffers[i] = from.getLong();
    }
    String format = text(from, formatSize);
    String name = text(from, nameSize);
    Map<String, String> metadata = metadata(from, metadataSize);
    List<Node> children = new ArrayList<>();
    for (int i = 0; i < childCount; i++) {
      children.add(node(from, depth + 1));
    }
    Node dictionary = hasDictionary ? node(from, depth + 1) : null;
    return new Node(
        length, nullCount, flags, buffers, format, name, metadata, children, dictionary);
  }

  private static String text(ByteBuffer from, int size) {
    return new String(bytes(from, size), StandardCharsets.UTF_8);
  }

  private static byte[] bytes(ByteBuffer from, int size) {
    if (size < 0 || size > from.remaining()) {
      throw new BufferUnderflowException();
    }
    byte[] bytes = new byte[size];
    from.get(bytes);
    from.position(from.position() + (-size & 7)); // what follows is aligned
    return bytes;
  }

  private static Map<String, String> metadata(ByteBuffer from, int size) {
    if (size == 0) {
      return Map.of();
    }
    ByteBuffer pairs = ByteBuffer.wrap(bytes(from, size)).order(from.order());
    Map<String, String> metadata = new LinkedHashMap<>();
    for (int left = pairs.getInt(); left > 0; left--) {
      String key = word(pairs);
      metadata.put(key, word(pairs));
    }
    return metadata;
  }

  private static String word(ByteBuffer from) {
    int size = from.getInt();
    if (size < 0 || size > from.remaining()) {
      throw new BufferUnderflowException();
    }
    byte[] bytes = new byte[size];
    from.get(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
