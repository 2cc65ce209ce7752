package io.tproc.worker;

import java.lang.foreign.MemorySegment;

/** What {@link WorkerRequest} offers on Java 22 and later. */
abstract class PlatformRequest {
  PlatformRequest() {}

  abstract WorkerRequest withMemory(WorkerRequest.Memory memory);

  /**
   * The same with one more buffer, as {@link WorkerRequest#withBuffer}, without its limit on the
   * size. What the segment is of must not be closed before the worker has done with it.
   *
   * @param segment a native segment
   * @return a new request
   * @throws IllegalArgumentException when the segment is not native
   */
  public WorkerRequest withSegment(MemorySegment segment) {
    if (!segment.isNative()) {
      throw new IllegalArgumentException("not a native segment: " + segment);
    }
    long seen = Math.min(segment.byteSize(), Integer.MAX_VALUE);
    return withMemory(
        new WorkerRequest.Memory(
            segment.asSlice(0, seen).asByteBuffer(), segment.byteSize(), segment));
  }
}
