package io.tproc.python;

import org.jspecify.annotations.Nullable;

/**
 * What else than buffers is memory, which is nothing on Java 17: the multi-release jar holds
 * another version of this class for Java 22 and later, as {@code io.tproc.PlatformMemory} explains.
 */
final class PlatformMemory {
  private PlatformMemory() {}

  /**
   * Memory that is no buffer.
   *
   * @return null: the value is none
   * @throws IllegalArgumentException when it is memory that Python cannot see; the message says why
   */
  static @Nullable Memory of(Object value) {
    return null;
  }
}
