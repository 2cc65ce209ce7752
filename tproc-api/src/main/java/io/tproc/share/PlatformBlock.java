package io.tproc.share;

import io.tproc.spi.ViewScope;

/**
 * What {@link SharedBlock} offers beyond Java 17, which is nothing on Java 17: the multi-release
 * jar holds another version of this class for Java 22 and later, as {@code io.tproc.PlatformMemory}
 * explains.
 */
abstract class PlatformBlock {
  PlatformBlock() {}

  abstract long openAddress();

  abstract long openSize();

  /** A scope of the block's own. */
  abstract ViewScope newScope();

  /** From here on all views that can know it refuse to be used. */
  void endViews() {}
}
