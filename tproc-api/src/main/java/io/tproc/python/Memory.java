package io.tproc.python;

import io.tproc.worker.WorkerRequest;
import java.nio.ByteBuffer;

/** Memory of the caller's that Python works on, as it was when it was passed. */
interface Memory {
  /** Keeps it reachable until the worker has done with it. */
  WorkerRequest addTo(WorkerRequest request);

  long size();

  boolean isReadOnly();

  /** What the caller has of a part of it: all of it is the object that was passed. */
  Object part(long offset, long size);

  /**
   * A direct buffer, from its position to its limit.
   *
   * @param given what was passed, whose position may change
   * @param window what it was of
   */
  record Direct(ByteBuffer given, ByteBuffer window) implements Memory {
    Direct(ByteBuffer given) {
      this(given, given.slice().order(given.order()));
    }

    @Override
    public WorkerRequest addTo(WorkerRequest request) {
      return request.withBuffer(window);
    }

    @Override
    public long size() {
      return window.remaining();
    }

    @Override
    public boolean isReadOnly() {
      return window.isReadOnly();
    }

    @Override
    public Object part(long offset, long size) {
      return offset == 0 && size == size()
          ? given
          : window.slice((int) offset, (int) size).order(window.order());
    }
  }
}
