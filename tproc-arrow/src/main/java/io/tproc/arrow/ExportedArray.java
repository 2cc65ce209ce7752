package io.tproc.arrow;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.dictionary.Dictionary;
import org.apache.arrow.vector.dictionary.DictionaryProvider;
import org.apache.arrow.vector.types.pojo.DictionaryEncoding;
import org.jspecify.annotations.Nullable;

/**
 * A batch as {@code struct ArrowArray}, with those of its columns, in one piece of memory; and the
 * columns' buffers, retained. The C Data Interface's own export in Java makes a copy of the batch's
 * vectors, several pieces of memory for each column, and release callbacks that enter the JVM: most
 * of the time that a small batch takes. Programs release copies of these structures by their own
 * callbacks, so that these have none.
 */
final class ExportedArray implements AutoCloseable {
  /** {@code sizeof(struct ArrowArray)}. */
  private static final int SIZE = 80;

  private static final int LENGTH = 0;
  private static final int NULL_COUNT = 8;
  private static final int BUFFER_COUNT = 24;
  private static final int CHILD_COUNT = 32;
  private static final int BUFFERS = 40;
  private static final int CHILDREN = 48;
  private static final int DICTIONARY = 56;

  private final DictionaryProvider dictionaries;
  private final BufferAllocator allocator;
  private final ArrowBuf memory;
  private final List<@Nullable ArrowBuf> buffers = new ArrayList<>();
  private long used;

  private ExportedArray(DictionaryProvider dictionaries, BufferAllocator allocator, long size) {
    this.dictionaries = dictionaries;
    this.allocator = allocator;
    this.memory = allocator.buffer(size);
  }

  static ExportedArray of(
      VectorSchemaRoot batch, DictionaryProvider dictionaries, BufferAllocator allocator) {
    List<FieldVector> columns = batch.getFieldVectors();
    long size = SIZE + Long.BYTES;
    for (FieldVector each : columns) {
      size += Long.BYTES + size(each, dictionaries);
    }
    ExportedArray exported = new ExportedArray(dictionaries, allocator, size);
    boolean done = false;
    try {
      exported.memory.setZero(0, size);
      exported.addRoot(batch.getRowCount(), columns);
      done = true;
      return exported;
    } finally {
      if (!done) {
        exported.close();
      }
    }
  }

  private static long size(FieldVector vector, DictionaryProvider dictionaries) {
    long size = SIZE + (long) vector.getExportedCDataBufferCount() * Long.BYTES;
    for (FieldVector child : vector.getChildrenFromFields()) {
      size += Long.BYTES + size(child, dictionaries);
    }
    FieldVector values = dictionary(vector, dictionaries);
    return values == null ? size : size + size(values, dictionaries);
  }

  private static @Nullable FieldVector dictionary(
      FieldVector vector, DictionaryProvider dictionaries) {
    DictionaryEncoding encoding = vector.getField().getDictionary();
    return encoding == null
        ? null
        : Objects.requireNonNull(dictionaries.lookup(encoding.getId()), Dictionary.class::getName)
            .getVector();
  }

  /** The columns are the children of a struct, which has no validity bitmap. */
  private void addRoot(int rows, List<FieldVector> columns) {
    long at = take(SIZE);
    memory.setLong(at + LENGTH, rows);
    memory.setLong(at + BUFFER_COUNT, 1);
    memory.setLong(at + BUFFERS, address(take(Long.BYTES)));
    addChildren(at, columns);
  }

  private long take(long bytes) {
    long at = used;
    used += bytes;
    return at;
  }

  private long address(long at) {
    return memory.memoryAddress() + at;
  }

  private void addChildren(long parent, List<FieldVector> children) {
    long pointers = take((long) children.size() * Long.BYTES);
    memory.setLong(parent + CHILD_COUNT, children.size());
    memory.setLong(parent + CHILDREN, address(pointers));
    for (int i = 0; i < children.size(); i++) {
      memory.setLong(pointers + (long) i * Long.BYTES, add(children.get(i)));
    }
  }

  /** Gives its address. */
  private long add(FieldVector vector) {
    long at = take(SIZE);
    memory.setLong(at + LENGTH, vector.getValueCount());
    memory.setLong(at + NULL_COUNT, vector.getNullCount());
    int before = buffers.size();
    int most = vector.getExportedCDataBufferCount();
    long pointers = take((long) most * Long.BYTES);
    vector.exportCDataBuffers(
        buffers, memory.slice(pointers, (long) most * Long.BYTES).writerIndex(0), 0);
    takeOver(before);
    memory.setLong(at + BUFFER_COUNT, buffers.size() - before);
    memory.setLong(at + BUFFERS, address(pointers));
    addChildren(at, vector.getChildrenFromFields());
    FieldVector values = dictionary(vector, dictionaries);
    if (values != null) {
      memory.setLong(at + DICTIONARY, add(values));
    }
    return address(at);
  }

  /**
   * What was exported keeps the batch's allocator busy, which may be closed before the program lets
   * go: from here on it does this one.
   */
  private void takeOver(int first) {
    for (int i = first; i < buffers.size(); i++) {
      ArrowBuf theirs = buffers.get(i);
      if (theirs != null && theirs.capacity() > 0 && canTakeOver(theirs)) {
        buffers.set(i, theirs.getReferenceManager().retain(theirs, allocator));
        theirs.close();
      }
    }
  }

  /** Arrow's allocators share memory with those of the same root alone. */
  private boolean canTakeOver(ArrowBuf theirs) {
    BufferAllocator other = theirs.getReferenceManager().getAllocator();
    return other != allocator && other.getRoot() == allocator.getRoot();
  }

  /** Of the batch. */
  long address() {
    return memory.memoryAddress();
  }

  /** Where the columns lie. */
  List<Region> regions() {
    List<Region> regions = new ArrayList<>();
    for (ArrowBuf each : buffers) {
      if (each != null && each.capacity() > 0) {
        regions.add(new Region(each.memoryAddress(), each.capacity()));
      }
    }
    return regions;
  }

  @Override
  public void close() {
    for (ArrowBuf each : buffers) {
      if (each != null) {
        each.close();
      }
    }
    buffers.clear();
    memory.close();
  }
}
