package io.tproc.share;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** What {@link SharedBlock} offers on Java 22 and later. */
abstract class PlatformBlock {
  private @Nullable Arena arena;
  private @Nullable MemorySegment segment;

  PlatformBlock() {}

  abstract long openAddress();

  abstract long openSize();

  /**
   * The block as a segment, which any thread may use, and which throws {@link
   * IllegalStateException} once the block has been freed or given away: it never reaches memory
   * that is another's by then.
   *
   * <p>It takes a restricted method of the JDK, so that the JVM warns, or refuses, unless it was
   * started with {@code --enable-native-access=io.tproc} ({@code ALL-UNNAMED} on the class path).
   *
   * @return the segment, the same on each call
   * @throws IllegalStateException when the block has been freed or given away
   */
  @SuppressWarnings("restricted") // Said above; no other way ends a segment.
  public synchronized MemorySegment segment() {
    long address = openAddress();
    MemorySegment now = segment;
    if (now == null) {
      Arena fresh = Arena.ofShared();
      now = MemorySegment.ofAddress(address).reinterpret(openSize(), fresh, null);
      arena = fresh;
      segment = now;
    }
    return now;
  }

  /** From here on all views that can know it refuse to be used. */
  synchronized void endViews() {
    Arena now = arena;
    if (now != null) {
      now.close();
      arena = null;
      segment = null;
    }
  }
}
