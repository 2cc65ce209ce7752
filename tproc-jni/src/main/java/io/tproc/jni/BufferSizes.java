package io.tproc.jni;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;

/** The size in bytes of a buffer of any element type. */
final class BufferSizes {
  private BufferSizes() {}

  static long bytes(Buffer buffer) {
    return (long) buffer.capacity() * elementSize(buffer);
  }

  private static int elementSize(Buffer buffer) {
    if (buffer instanceof ByteBuffer) {
      return Byte.BYTES;
    }
    if (buffer instanceof LongBuffer || buffer instanceof DoubleBuffer) {
      return Long.BYTES;
    }
    if (buffer instanceof IntBuffer || buffer instanceof FloatBuffer) {
      return Integer.BYTES;
    }
    return buffer instanceof CharBuffer ? Character.BYTES : Short.BYTES;
  }
}
