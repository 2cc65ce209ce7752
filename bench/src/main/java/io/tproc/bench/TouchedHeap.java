package io.tproc.bench;

/** Java memory that is really there: arrays of 64 MiB, written to. */
final class TouchedHeap {
  private static final int ARRAY = 64 << 20;

  /** An array of this many longs is written a page at a time. */
  private final long[][] arrays;

  TouchedHeap(long bytes) {
    arrays = new long[(int) (bytes / ARRAY)][];
    for (int i = 0; i < arrays.length; i++) {
      arrays[i] = new long[ARRAY / Long.BYTES - 2];
    }
    write();
  }

  /** Writes all of it, and gives the milliseconds that took. */
  double write() {
    long start = System.nanoTime();
    for (long[] array : arrays) {
      for (int at = 0; at < array.length; at++) {
        array[at] = start + at;
      }
    }
    return (System.nanoTime() - start) / 1e6;
  }
}
