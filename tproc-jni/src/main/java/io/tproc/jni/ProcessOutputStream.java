package io.tproc.jni;

import java.io.BufferedOutputStream;
import java.io.FileOutputStream;
import java.io.IOException;

/**
 * Writes to a program. At the program's exit the descriptor is closed; writing fails from then on.
 *
 * <p>As in the JDK's {@code ProcessImpl}; only that the exit is handed over to the thread that
 * writes instead of waiting for it.
 */
final class ProcessOutputStream extends BufferedOutputStream {
  private final HandOverLock lock = new HandOverLock();

  ProcessOutputStream(FileOutputStream pipe) {
    super(pipe);
  }

  /** The program has ended. Never waits. */
  void processExited() {
    lock.handOver(this::giveUp);
  }

  private void giveUp() {
    try {
      out.close();
    } catch (IOException ignored) {
      // The descriptor is closed in any case.
    }
    out = ClosedOutputStream.INSTANCE;
  }

  @Override
  public void write(int value) throws IOException {
    lock.lock();
    try {
      super.write(value);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void write(byte[] source, int offset, int length) throws IOException {
    lock.lock();
    try {
      super.write(source, offset, length);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void flush() throws IOException {
    lock.lock();
    try {
      super.flush();
    } finally {
      lock.unlock();
    }
  }
}
