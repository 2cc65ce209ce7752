package io.tproc.python;

import io.tproc.worker.WorkerRequest;
import java.lang.foreign.MemorySegment;

/** What else than buffers is memory on Java 22 and later: segments. */
final class PlatformMemory {
  private PlatformMemory() {}

  static Memory of(Object value) {
    if (!(value instanceof MemorySegment segment)) {
      return null;
    }
    if (!segment.isNative()) {
      throw new IllegalArgumentException("not a native segment: " + segment);
    }
    return new Segment(segment);
  }

  private record Segment(MemorySegment given) implements Memory {
    @Override
    public WorkerRequest addTo(WorkerRequest request) {
      return request.withSegment(given);
    }

    @Override
    public long size() {
      return given.byteSize();
    }

    @Override
    public boolean isReadOnly() {
      return given.isReadOnly();
    }

    @Override
    public Object part(long offset, long size) {
      return offset == 0 && size == size() ? given : given.asSlice(offset, size);
    }
  }
}
