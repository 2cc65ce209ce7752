package io.tproc.share;

import io.tproc.spi.ViewScope;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** What {@link SharedBlock} offers on Java 22 and later. */
abstract class PlatformBlock {
  private @Nullable ViewScope scope;
  private @Nullable MemorySegment segment;

  PlatformBlock() {}

  abstract long openAddress();

  abstract long openSize();

  /** A scope of the block's own. */
  abstract ViewScope newScope();

  /**
   * The block as a segment, which any thread may use, and which throws {@link
   * IllegalStateException} once the block has been freed or given away, or the host is closed: it
   * never reaches memory that is another's by then.
   *
   * <p>It takes a restricted method of the JDK, so that the JVM warns, or refuses, unless it was
   * started with {@code --enable-native-access=io.tproc} ({@code ALL-UNNAMED} on the class path).
   *
   * @return the segment, the same on each call
   * @throws IllegalStateException when the block has been freed or given away, or the host is
   *     closed
   */
  public synchronized MemorySegment segment() {
    long address = openAddress();
    MemorySegment now = segment;
    if (now == null) {
      ViewScope fresh = newScope();
      now = fresh.segment(address, openSize());
      scope = fresh;
      segment = now;
    }
    return now;
  }

  /** From here on all views that can know it refuse to be used. */
  synchronized void endViews() {
    ViewScope now = scope;
    if (now != null) {
      if (!now.end()) {
        throw new IllegalStateException("a call into native code uses a segment of the block");
      }
      scope = null;
      segment = null;
    }
  }
}
