package io.tproc;

import io.tproc.spi.Checks;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/** Memory of the address space as segments. */
interface SegmentMemory {
  /**
   * As {@link TprocHost#view(long, long)}.
   *
   * @param address the first byte
   * @param size the number of bytes, at most {@link Integer#MAX_VALUE}
   * @return a new direct buffer
   */
  ByteBuffer view(long address, long size);

  /**
   * A window on memory of this address space, as {@link TprocHost#view(long, long)} gives, without
   * its limit on the size. Only the arguments are checked: reading or writing where nothing is
   * mapped ends the JVM.
   *
   * <p>A segment of more than {@link Integer#MAX_VALUE} bytes takes a restricted method of the JDK,
   * so that the JVM warns, or refuses, unless it was started with {@code
   * --enable-native-access=io.tproc} ({@code ALL-UNNAMED} on the class path). Smaller ones need
   * nothing.
   *
   * @param address the first byte
   * @param size the number of bytes
   * @return a new segment that any thread may use. It owns nothing and keeps nothing alive
   * @throws IllegalArgumentException when the address is not positive, the size is negative, or the
   *     range wraps around
   */
  @SuppressWarnings("restricted") // Said above; no other way leads beyond a ByteBuffer's limit.
  default MemorySegment segment(long address, long size) {
    Checks.range(address, size);
    if (size <= Integer.MAX_VALUE) {
      return MemorySegment.ofBuffer(view(address, size));
    }
    return MemorySegment.ofAddress(address).reinterpret(size);
  }
}
