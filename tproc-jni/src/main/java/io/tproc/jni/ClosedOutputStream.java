package io.tproc.jni;

import java.io.IOException;
import java.io.OutputStream;

/**
 * What is written to when there is no pipe, or no longer one; fails as the JDK's does, so that
 * nothing is lost silently.
 */
final class ClosedOutputStream extends OutputStream {
  static final OutputStream INSTANCE = new ClosedOutputStream();

  private ClosedOutputStream() {}

  @Override
  public void write(int unused) throws IOException {
    throw new IOException("Stream closed");
  }
}
