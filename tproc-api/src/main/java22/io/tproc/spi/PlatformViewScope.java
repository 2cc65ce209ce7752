package io.tproc.spi;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What {@link ViewScope} can do on Java 22 and later. */
abstract class PlatformViewScope {
  private static final boolean PERMITTED =
      PlatformViewScope.class.getModule().isNativeAccessEnabled();

  private final Object holder;
  private @Nullable Arena arena;

  /**
   * All addresses, with the arena's scope; made by the first view, for an arena is not for free.
   */
  private @Nullable MemorySegment all;

  private boolean ended;

  PlatformViewScope(Object holder) {
    this.holder = holder;
  }

  /**
   * Makes a buffer that ends with this scope.
   *
   * @param address the first byte
   * @param size the number of bytes
   * @return a new direct buffer, in native byte order, that keeps the holder reachable; empty where
   *     the JVM was not started with {@code --enable-native-access=io.tproc} ({@code ALL-UNNAMED}
   *     on the class path), without which it would warn, or refuse
   * @throws IllegalStateException when this scope has ended
   */
  public Optional<ByteBuffer> buffer(long address, int size) {
    return PERMITTED
        ? Optional.of(segment(address, size).asByteBuffer().order(ByteOrder.nativeOrder()))
        : Optional.empty();
  }

  /**
   * Makes a segment that ends with this scope. The JVM warns, or refuses, unless it was started as
   * {@link #buffer} says.
   *
   * @param address the first byte
   * @param size the number of bytes
   * @return a new segment that keeps the holder reachable, and that any thread may use
   * @throws IllegalStateException when this scope has ended
   */
  public MemorySegment segment(long address, long size) {
    return everything().asSlice(address, size);
  }

  @SuppressWarnings("restricted") // Said above; no other way ends a segment.
  private synchronized MemorySegment everything() {
    if (ended) {
      throw new IllegalStateException("the memory has been given back");
    }
    MemorySegment now = all;
    if (now == null) {
      Arena fresh = Arena.ofShared();
      Object kept = holder; // by what is to be done at the arena's end, and so by each segment
      now =
          MemorySegment.NULL.reinterpret(
              Long.MAX_VALUE, fresh, unused -> Reference.reachabilityFence(kept));
      arena = fresh;
      all = now;
    }
    return now;
  }

  /**
   * Ends all buffers and segments of this scope: from here on their use throws {@link
   * IllegalStateException}.
   *
   * @return false when a call into native code uses one of them, and nothing has ended
   */
  public synchronized boolean end() {
    Arena now = arena;
    if (now != null && now.scope().isAlive()) {
      try {
        now.close();
      } catch (IllegalStateException used) {
        return false;
      }
    }
    ended = true;
    return true;
  }
}
