package io.tproc.jni;

import io.tproc.LaunchException;
import io.tproc.TprocUnavailableException;
import io.tproc.share.SharedMemoryException;
import java.io.IOException;

/**
 * The Java half of {@code exceptions.c}: the exceptions that a failure in native code becomes.
 * Called by it only.
 */
@SuppressWarnings("unused")
final class NativeFailure {
  private NativeFailure() {}

  static Throwable unavailable(int errno, byte[] message) {
    return new TprocUnavailableException(ByteStrings.decode(message));
  }

  static Throwable launch(int errno, byte[] message) {
    return new LaunchException(errno, ByteStrings.decode(message));
  }

  static Throwable io(int errno, byte[] message) {
    return new IOException(ByteStrings.decode(message));
  }

  static Throwable sharing(int errno, byte[] message) {
    return new SharedMemoryException(errno, ByteStrings.decode(message));
  }
}
