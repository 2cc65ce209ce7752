package io.tproc.jni;

import io.tproc.LentBuffer;
import io.tproc.ThreadProc;
import java.nio.Buffer;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Its host has it in a set as long as it is open, and it has the buffer. */
final class JniLentBuffer implements LentBuffer {
  private final Set<JniLentBuffer> open;
  private final long address;
  private final long size;
  private volatile @Nullable Buffer buffer;

  JniLentBuffer(Set<JniLentBuffer> open, Buffer buffer, long address, long size) {
    this.open = open;
    this.buffer = buffer;
    this.address = address;
    this.size = size;
  }

  @Override
  public long address() {
    if (buffer == null) {
      throw new IllegalStateException("the lent buffer is closed");
    }
    return address;
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  @SuppressWarnings("FutureReturnValueIgnored") // Closing fails never.
  public LentBuffer untilEndOf(ThreadProc program) {
    program.onExit().thenRun(this::close);
    return this;
  }

  @Override
  public void close() {
    buffer = null;
    open.remove(this);
  }

  @Override
  public String toString() {
    return "LentBuffer[0x" + Long.toHexString(address) + ", " + size + " bytes]";
  }
}
