package io.tproc.jni;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.util.Arrays;

/** The reading end of a pipe: skips by reading, because seeking in a pipe fails. */
final class PipeInputStream extends FileInputStream {
  private static final int SKIP_BUFFER_SIZE = 2048;

  PipeInputStream(FileDescriptor descriptor) {
    super(descriptor);
  }

  @Override
  public long skip(long count) throws IOException {
    long remaining = count;
    byte[] skipped = new byte[(int) Math.max(0, Math.min(SKIP_BUFFER_SIZE, count))];
    while (remaining > 0) {
      int read = read(skipped, 0, (int) Math.min(skipped.length, remaining));
      if (read < 0) {
        break;
      }
      remaining -= read;
    }
    return count <= 0 ? 0 : count - remaining;
  }

  /**
   * Reads what is in the pipe now, without waiting for more. Not by readNBytes: it asks for the
   * position first, and a pipe has none.
   */
  byte[] drain() throws IOException {
    byte[] drained = new byte[available()];
    int length = 0;
    while (length < drained.length) {
      int read = read(drained, length, drained.length - length);
      if (read < 0) {
        break;
      }
      length += read;
    }
    return length == drained.length ? drained : Arrays.copyOf(drained, length);
  }
}
