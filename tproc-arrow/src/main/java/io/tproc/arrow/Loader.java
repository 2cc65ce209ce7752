package io.tproc.arrow;

import io.tproc.arrow.Description.Node;
import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.BufferLayout;
import org.apache.arrow.vector.BufferLayout.BufferType;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.TypeLayout;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.dictionary.Dictionary;
import org.apache.arrow.vector.dictionary.DictionaryProvider.MapDictionaryProvider;
import org.apache.arrow.vector.ipc.message.ArrowFieldNode;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.DictionaryEncoding;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.jspecify.annotations.Nullable;

/**
 * Makes vectors of a description, over the memory where they lie. Nothing of it is believed that
 * can be checked.
 */
final class Loader {
  private final BufferAllocator allocator;
  private final Memory memory;
  private final MapDictionaryProvider dictionaries = new MapDictionaryProvider();
  private long dictionaryCount;

  private Loader(BufferAllocator allocator, Memory memory) {
    this.allocator = allocator;
    this.memory = memory;
  }

  /**
   * Loads a result.
   *
   * @throws ArrowFormatException when it is not right; nothing is left of it
   */
  static ArrowResult load(Node root, Memory memory, BufferAllocator allocator) {
    return new Loader(allocator, memory).load(root);
  }

  private ArrowResult load(Node root) {
    List<FieldVector> columns = new ArrayList<>();
    boolean done = false;
    try {
      checkRoot(root);
      for (Node each : root.children()) {
        columns.add(column(each, each.name()));
        if (each.length() != root.length()) {
          throw refused(each.name(), each.length() + " rows, and the batch has " + root.length());
        }
      }
      VectorSchemaRoot whole = new VectorSchemaRoot(columns);
      whole.setRowCount((int) root.length());
      done = true;
      return new ArrowResult(whole, dictionaries);
    } finally {
      if (!done) {
        columns.forEach(FieldVector::close);
        dictionaries.close();
      }
    }
  }

  private static void checkRoot(Node root) {
    if (!root.format().equals("+s") || root.dictionary() != null) {
      throw refused("", "its type is not that of a struct, whose children are columns");
    }
    if (root.length() < 0 || root.length() > Integer.MAX_VALUE) {
      throw refused("", "Java has no batch of " + root.length() + " rows");
    }
  }

  // Fields.

  private FieldVector column(Node node, String path) {
    FieldVector vector = field(node, path).createVector(allocator);
    boolean done = false;
    try {
      fill(vector, node, path);
      done = true;
      return vector;
    } finally {
      if (!done) {
        vector.close();
      }
    }
  }

  /** The field of a node; dictionaries of it are loaded. */
  private Field field(Node node, String path) {
    ArrowType type;
    try {
      type = Formats.parse(node.format(), node.hasSortedKeys());
    } catch (IllegalArgumentException unknown) {
      throw refused(path, String.valueOf(unknown.getMessage()));
    }
    checkChildren(node, type, path);
    List<Field> children = new ArrayList<>();
    for (Node child : node.children()) {
      children.add(field(child, path + "." + child.name()));
    }
    DictionaryEncoding encoding = null;
    Node values = node.dictionary();
    if (values != null) {
      if (!(type instanceof ArrowType.Int index)) {
        throw refused(
            path, "indices of a dictionary that are no integers: '" + node.format() + "'");
      }
      encoding = new DictionaryEncoding(dictionaryCount++, node.isOrdered(), index);
      dictionaries.put(new Dictionary(column(values, path), encoding));
    }
    FieldType fieldType = new FieldType(node.isNullable(), type, encoding, node.metadata());
    return new Field(node.name(), fieldType, children);
  }

  private static void checkChildren(Node node, ArrowType type, String path) {
    int count = node.children().size();
    boolean isRight =
        switch (type.getTypeID()) {
          case Struct -> true;
          case List, LargeList, FixedSizeList -> count == 1;
          case Map -> count == 1 && isEntry(node.children().get(0));
          default -> count == 0;
        };
    if (!isRight) {
      throw refused(path, count + " children, with the type '" + node.format() + "'");
    }
  }

  private static boolean isEntry(Node node) {
    return node.format().equals("+s") && node.children().size() == 2 && node.dictionary() == null;
  }

  // Memory.

  private void fill(FieldVector vector, Node node, String path) {
    if (node.length() < 0 || node.length() > Integer.MAX_VALUE) {
      throw refused(path, "Java has no column of " + node.length() + " values");
    }
    ArrowType type = vector.getField().getType();
    List<ArrowBuf> buffers = buffers(TypeLayout.getTypeLayout(type), node, path);
    long childLength = checkOffsets(type, node, buffers, path);
    long nulls = nullCount(node, buffers, path);
    vector.loadFieldBuffers(new ArrowFieldNode(node.length(), nulls), buffers);
    List<FieldVector> children = vector.getChildrenFromFields();
    for (int i = 0; i < children.size(); i++) {
      Node child = node.children().get(i);
      if (child.length() < childLength) {
        throw refused(
            path, "child " + i + " has " + child.length() + " values, and needs " + childLength);
      }
      fill(children.get(i), child, path + "." + child.name());
    }
  }

  private List<ArrowBuf> buffers(TypeLayout layout, Node node, String path) {
    List<BufferLayout> kinds = layout.getBufferLayouts();
    if (kinds.size() != node.buffers().length) {
      throw refused(
          path,
          node.buffers().length + " buffers, and '" + node.format() + "' has " + kinds.size());
    }
    List<ArrowBuf> buffers = new ArrayList<>();
    for (int i = 0; i < kinds.size(); i++) {
      ArrowBuf offsets = i == 2 ? buffers.get(1) : null;
      long size = size(kinds.get(i), kinds.get(1 % kinds.size()), node.length(), offsets, path);
      buffers.add(buffer(kinds.get(i).getType(), node, i, size, path));
    }
    return buffers;
  }

  private static long size(
      BufferLayout kind,
      BufferLayout second,
      long length,
      @Nullable ArrowBuf offsets,
      String path) {
    if (length == 0) {
      return 0;
    }
    if (kind.getType() == BufferType.OFFSET) {
      return (length + 1) * kind.getTypeBitWidth() / Byte.SIZE;
    }
    if (offsets != null && second.getType() == BufferType.OFFSET) {
      long end = offset(offsets, second.getTypeBitWidth(), length);
      if (end < 0) {
        throw refused(path, "a negative offset");
      }
      return end;
    }
    return (length * kind.getTypeBitWidth() + Byte.SIZE - 1) / Byte.SIZE;
  }

  private ArrowBuf buffer(BufferType kind, Node node, int index, long size, String path) {
    long address = node.buffers()[index];
    if (address == 0 && kind == BufferType.VALIDITY) {
      if (node.nullCount() > 0) {
        throw refused(path, node.nullCount() + " nulls, and no validity bitmap");
      }
      return allocator.getEmpty();
    }
    ArrowBuf found = memory.find(address, size);
    if (found == null) {
      throw refused(
          path,
          String.format(
              "buffer %d, %d bytes at 0x%x, is neither the request's nor the result's memory",
              index, size, address));
    }
    return found;
  }

  private static long offset(ArrowBuf offsets, int bits, long index) {
    return bits == Integer.SIZE
        ? offsets.getInt(index * Integer.BYTES)
        : offsets.getLong(index * Long.BYTES);
  }

  /**
   * How many values a child has to have, at least. Offsets lead into memory, so each of them is
   * looked at.
   */
  private static long checkOffsets(ArrowType type, Node node, List<ArrowBuf> buffers, String path) {
    if (type instanceof ArrowType.FixedSizeList list) {
      return node.length() * list.getListSize();
    }
    List<BufferLayout> kinds = TypeLayout.getTypeLayout(type).getBufferLayouts();
    boolean hasOffsets = kinds.size() > 1 && kinds.get(1).getType() == BufferType.OFFSET;
    if (!hasOffsets || node.length() == 0) {
      return type instanceof ArrowType.Struct ? node.length() : 0;
    }
    int bits = kinds.get(1).getTypeBitWidth();
    long last = 0;
    for (long i = 0; i <= node.length(); i++) {
      long next = offset(buffers.get(1), bits, i);
      if (next < last) {
        throw refused(path, "offset " + i + " is " + next + ", after " + last);
      }
      last = next;
    }
    return last;
  }

  private static long nullCount(Node node, List<ArrowBuf> buffers, String path) {
    long said = node.nullCount();
    if (said < -1 || said > node.length()) {
      throw refused(path, said + " nulls in " + node.length() + " values");
    }
    if (buffers.isEmpty()) {
      return node.length(); // of type null
    }
    if (said >= 0 || buffers.get(0).capacity() == 0) {
      return Math.max(said, 0);
    }
    long valid = 0;
    ArrowBuf bits = buffers.get(0);
    for (long i = 0; i < node.length() / Byte.SIZE; i++) {
      valid += Integer.bitCount(bits.getByte(i) & 0xff);
    }
    int rest = (int) (node.length() % Byte.SIZE);
    if (rest > 0) {
      valid += Integer.bitCount(bits.getByte(node.length() / Byte.SIZE) & ((1 << rest) - 1));
    }
    return node.length() - valid;
  }

  private static ArrowFormatException refused(String path, String what) {
    return ArrowFormatException.column(path, what);
  }
}
