package io.tproc.spi;

/**
 * How long views of some memory may be used: until the memory is given back. A view keeps the
 * scope's holder reachable.
 *
 * <p>On Java 22 and later there is also {@code MemorySegment segment(long address, long size)}: as
 * {@link #buffer}, of any size.
 */
public final class ViewScope extends PlatformViewScope {
  /**
   * Begins one.
   *
   * @param holder what is to stay reachable as long as a view of this scope is
   */
  public ViewScope(Object holder) {
    super(holder);
  }
}
