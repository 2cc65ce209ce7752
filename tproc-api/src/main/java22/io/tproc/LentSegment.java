package io.tproc;

/**
 * A segment that has been lent, by a buffer over its beginning.
 *
 * @param head keeps the memory
 * @param size all of the segment's bytes
 */
record LentSegment(LentBuffer head, long size) implements LentBuffer {
  @Override
  public long address() {
    return head.address();
  }

  @Override
  public LentBuffer untilEndOf(ThreadProc program) {
    head.untilEndOf(program);
    return this;
  }

  @Override
  public void close() {
    head.close();
  }

  @Override
  public String toString() {
    return head + ", of " + size + " bytes";
  }
}
