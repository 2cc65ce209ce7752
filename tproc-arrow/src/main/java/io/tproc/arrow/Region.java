package io.tproc.arrow;

/** Memory that may hold a column's buffers. */
record Region(long address, long size) {
  boolean contains(long start, long bytes) {
    return start >= address && bytes <= size && start - address <= size - bytes;
  }
}
