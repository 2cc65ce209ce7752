package io.tproc.spi;

import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * What {@link ViewScope} can do on Java 17, whose buffers nothing ends: the multi-release jar holds
 * another version of this class for Java 22 and later, as {@code io.tproc.PlatformMemory} explains.
 */
abstract class PlatformViewScope {
  PlatformViewScope(@SuppressWarnings("unused") Object holder) {}

  /**
   * Makes a buffer that ends with this scope.
   *
   * @param address the first byte
   * @param size the number of bytes
   * @return a new direct buffer, in native byte order, that keeps the holder reachable; empty where
   *     Java has no buffers that end
   * @throws IllegalStateException when this scope has ended
   */
  public Optional<ByteBuffer> buffer(long address, int size) {
    return Optional.empty();
  }

  /**
   * Ends all buffers and segments of this scope: from here on their use throws {@link
   * IllegalStateException}.
   *
   * @return false when a call into native code uses one of them, and nothing has ended
   */
  public boolean end() {
    return true;
  }
}
