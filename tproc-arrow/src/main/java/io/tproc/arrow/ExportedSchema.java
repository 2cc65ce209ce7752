package io.tproc.arrow;

import org.apache.arrow.c.ArrowSchema;
import org.apache.arrow.c.Data;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.dictionary.DictionaryProvider;
import org.apache.arrow.vector.types.pojo.Schema;

/**
 * A schema as {@code struct ArrowSchema}, for all batches that have it, one after the other. Freed
 * with its last holder: who may export the next batch, and batches that a program has not opened.
 */
final class ExportedSchema {
  private final Schema schema;
  private final ArrowSchema exported;
  private int holders = 1; // guarded by this

  private ExportedSchema(Schema schema, ArrowSchema exported) {
    this.schema = schema;
    this.exported = exported;
  }

  static ExportedSchema of(
      Schema schema, DictionaryProvider dictionaries, BufferAllocator allocator) {
    ArrowSchema exported = ArrowSchema.allocateNew(allocator);
    boolean done = false;
    try {
      Data.exportSchema(allocator, schema, dictionaries, exported);
      done = true;
      return new ExportedSchema(schema, exported);
    } finally {
      if (!done) {
        end(exported);
      }
    }
  }

  private static void end(ArrowSchema exported) {
    exported.release();
    exported.close();
  }

  boolean isOf(Schema other) {
    return schema.equals(other);
  }

  long address() {
    return exported.memoryAddress();
  }

  /** False when it has been freed. */
  synchronized boolean retain() {
    if (holders == 0) {
      return false;
    }
    holders++;
    return true;
  }

  void release() {
    boolean isLast;
    synchronized (this) {
      isLast = --holders == 0;
    }
    if (isLast) {
      end(exported);
    }
  }
}
