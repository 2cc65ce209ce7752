package io.tproc.arrow;

import io.tproc.worker.WorkerRequest;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Set;
import org.apache.arrow.c.ArrowArray;
import org.apache.arrow.c.ArrowSchema;
import org.apache.arrow.c.Data;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.dictionary.DictionaryProvider;
import org.jspecify.annotations.Nullable;

/**
 * Columns that a program has: exported once, and released once, when the program has released them
 * and no result lies in their memory.
 */
final class Lease {
  private final long id;
  private final ArrowArray array;
  private final ArrowSchema schema;
  private final List<Region> regions;
  private int holders = 1; // guarded by this

  /** Where it is noted that a worker keeps it. */
  volatile @Nullable Set<Lease> keptWith;

  private Lease(long id, ArrowArray array, ArrowSchema schema, List<Region> regions) {
    this.id = id;
    this.array = array;
    this.schema = schema;
    this.regions = regions;
  }

  static Lease of(
      long id, VectorSchemaRoot batch, DictionaryProvider dictionaries, BufferAllocator allocator) {
    ArrowArray array = ArrowArray.allocateNew(allocator);
    ArrowSchema schema = null;
    boolean done = false;
    try {
      schema = ArrowSchema.allocateNew(allocator);
      Data.exportVectorSchemaRoot(allocator, batch, dictionaries, array, schema);
      Lease lease = new Lease(id, array, schema, Columns.regions(batch, dictionaries));
      done = true;
      return lease;
    } finally {
      if (!done) {
        end(array, schema);
      }
    }
  }

  private static void end(ArrowArray array, @Nullable ArrowSchema schema) {
    array.release();
    array.close();
    if (schema != null) {
      schema.release();
      schema.close();
    }
  }

  long id() {
    return id;
  }

  List<Region> regions() {
    return regions;
  }

  /** What {@code tproc_arrow_open} reads. */
  WorkerRequest request() {
    ByteBuffer words = ByteBuffer.allocate(3 * Long.BYTES).order(ByteOrder.nativeOrder());
    words.putLong(schema.memoryAddress()).putLong(array.memoryAddress()).putLong(id).flip();
    return WorkerRequest.of(words);
  }

  /** A result lies in its memory. */
  synchronized void retain() {
    if (holders == 0) {
      throw new IllegalStateException("released already");
    }
    holders++;
  }

  /** One holder less. */
  void release() {
    boolean isLast;
    synchronized (this) {
      isLast = --holders == 0;
    }
    if (isLast) {
      end(array, schema);
    }
  }
}
