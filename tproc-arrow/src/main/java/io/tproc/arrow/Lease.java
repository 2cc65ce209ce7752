package io.tproc.arrow;

import io.tproc.worker.WorkerRequest;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Set;
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
  private final ExportedArray array;
  private final ExportedSchema schema;
  private int holders = 1; // guarded by this
  private boolean ended; // guarded by this

  /** Where it is noted that a worker keeps it. */
  volatile @Nullable Set<Lease> keptWith;

  private Lease(long id, ExportedArray array, ExportedSchema schema) {
    this.id = id;
    this.array = array;
    this.schema = schema;
  }

  /**
   * Lends a batch.
   *
   * @param schema retained for it, and released with it
   */
  static Lease of(
      long id,
      VectorSchemaRoot batch,
      DictionaryProvider dictionaries,
      ExportedSchema schema,
      BufferAllocator allocator) {
    return new Lease(id, ExportedArray.of(batch, dictionaries, allocator), schema);
  }

  long id() {
    return id;
  }

  List<Region> regions() {
    return array.regions();
  }

  /** What {@code tproc_arrow_open} reads. */
  WorkerRequest request() {
    ByteBuffer words = ByteBuffer.allocate(3 * Long.BYTES).order(ByteOrder.nativeOrder());
    words.putLong(schema.address()).putLong(array.address()).putLong(id).flip();
    return WorkerRequest.of(words);
  }

  /** A result lies in its memory. */
  synchronized void retain() {
    if (holders == 0) {
      throw new IllegalStateException("released already");
    }
    holders++;
  }

  /** The program has it no more. Who is not the first to say so waits for what that does. */
  synchronized void end() {
    if (!ended) {
      ended = true;
      release();
    }
  }

  /** One holder less. */
  void release() {
    boolean isLast;
    synchronized (this) {
      isLast = --holders == 0;
    }
    if (isLast) {
      array.close();
      schema.release();
    }
  }
}
