package io.tproc.bench.executors;

import java.nio.file.Path;
import java.util.List;
import org.apache.arrow.c.ArrowArray;
import org.apache.arrow.c.ArrowSchema;
import org.apache.arrow.c.Data;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.VectorSchemaRoot;

/** The code in the executor's own process, by JNI. It has one thread, the caller's. */
final class InProcess implements Peer {
  private final BufferAllocator allocator;
  private final Batches batches;

  InProcess(Path programs, BufferAllocator allocator, Batches batches) {
    System.load(programs.resolve("libinprocess.so").toString());
    this.allocator = allocator;
    this.batches = batches;
  }

  private static native void totals(
      long schema, long array, long schemaOfResult, long arrayOfResult);

  @Override
  public void run(long count, long crash) {
    for (long i = 0; i < count; i++) {
      run(batches.batch(i == crash));
    }
  }

  private void run(VectorSchemaRoot batch) {
    try (ArrowSchema schema = ArrowSchema.allocateNew(allocator);
        ArrowArray array = ArrowArray.allocateNew(allocator);
        ArrowSchema schemaOfResult = ArrowSchema.allocateNew(allocator);
        ArrowArray arrayOfResult = ArrowArray.allocateNew(allocator)) {
      Data.exportVectorSchemaRoot(allocator, batch, null, array, schema);
      totals(
          schema.memoryAddress(),
          array.memoryAddress(),
          schemaOfResult.memoryAddress(),
          arrayOfResult.memoryAddress());
      try (VectorSchemaRoot answer =
          Data.importVectorSchemaRoot(allocator, arrayOfResult, schemaOfResult, null)) {
        batches.check(answer);
      }
    }
  }

  @Override
  public List<Long> pids() {
    return List.of();
  }

  @Override
  public void close() {}
}
