package io.tproc.jni;

import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;

/**
 * Reads what a program writes. At the program's exit what is still in the pipe is taken over and
 * the descriptor is closed, so that output can be read later, or never, without a descriptor being
 * held. While descendants of the program can still write to the pipe it stays open instead, until
 * it is at its end, closed or forgotten.
 *
 * <p>As in the JDK's {@code ProcessImpl}; only that the exit is handed over to the thread that
 * reads instead of waiting for it.
 */
final class ProcessInputStream extends BufferedInputStream {
  private final HandOverLock lock = new HandOverLock();

  /**
   * close() may come while another thread reads, and must not close the descriptor between the
   * steps of an exit.
   */
  private final Object closeLock = new Object();

  private final PipeInputStream pipe;

  /** What has ended may not be waited for to close the pipe; under the lock. */
  private boolean hasExited;

  ProcessInputStream(PipeInputStream pipe) {
    super(pipe);
    this.pipe = pipe;
  }

  /** The program has ended. Never waits. */
  void processExited() {
    lock.handOver(this::takeOver);
  }

  private void takeOver() {
    hasExited = true;
    synchronized (closeLock) {
      if (in != pipe) { // closed, or taken over
        return;
      }
      if (isWrittenTo()) {
        PipeInputStream forgotten = pipe;
        JniHost.whenForgotten(this, () -> closeQuietly(forgotten));
        return;
      }
      try (pipe) {
        // Once is enough: all that the program has written is there by now. Descendants that go on
        // writing could keep a
        // loop busy without end.
        in = new ByteArrayInputStream(pipe.drain());
      } catch (IOException unreadable) {
        // Then the next read fails in the same way, and tells the user.
      }
    }
  }

  private boolean isWrittenTo() {
    try {
      return Native.hasWriter(Native.number(pipe.getFD()));
    } catch (IOException closed) {
      return false;
    }
  }

  private static void closeQuietly(PipeInputStream pipe) {
    try {
      pipe.close();
    } catch (IOException ignored) {
      // Nobody can read it any more.
    }
  }

  /** After the exit the end is that of all descendants, too: nothing more can come. */
  private int seen(int result) {
    if (result < 0 && hasExited) {
      takeOver();
    }
    return result;
  }

  @Override
  public int read() throws IOException {
    lock.lock();
    try {
      return seen(super.read());
    } finally {
      lock.unlock();
    }
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    lock.lock();
    try {
      return seen(super.read(target, offset, length));
    } finally {
      lock.unlock();
    }
  }

  @Override
  public long skip(long count) throws IOException {
    lock.lock();
    try {
      return super.skip(count);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public int available() throws IOException {
    lock.lock();
    try {
      return super.available();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Newer JDKs hold the stream's monitor meanwhile: the lock has to come first, as everywhere here.
   */
  @Override
  public long transferTo(OutputStream target) throws IOException {
    lock.lock();
    try {
      return super.transferTo(target);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() throws IOException {
    synchronized (closeLock) {
      super.close();
    }
  }
}
