package io.tproc;

import io.tproc.spi.Checks;
import io.tproc.spi.ScopedMemory;
import io.tproc.spi.ViewScope;
import java.lang.foreign.MemorySegment;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.util.Optional;

/** Memory of the address space as segments. */
interface SegmentMemory {
  /**
   * The address of a native segment's first byte, to be handed to threadprocs. The segment's arena
   * must stay open for as long as they use the address, or be reachable where it is automatic.
   *
   * @param segment a native segment, also a mapped file or a slice
   * @return the address
   * @throws IllegalArgumentException when the segment is on the Java heap
   * @throws IllegalStateException when its arena is closed
   */
  default long addressOf(MemorySegment segment) {
    if (!segment.isNative()) {
      throw new IllegalArgumentException(
          "a segment on the Java heap has no address: the garbage collector moves it; use"
              + " Arena.allocate");
    }
    if (!segment.scope().isAlive()) {
      throw new IllegalStateException("the segment's arena is closed");
    }
    return segment.address();
  }

  /**
   * Keeps a native segment reachable while programs use its address, as {@link
   * TprocHost#lend(Buffer)} does, also one of more than {@link Integer#MAX_VALUE} bytes. An arena
   * that is closed takes the memory all the same: close what this returns before.
   *
   * @param segment a native segment, also a mapped file or a slice
   * @return its address and size, to be closed when no program uses it any more; the host's {@code
   *     close()} closes it, too
   * @throws IllegalArgumentException when the segment is on the Java heap
   * @throws IllegalStateException when its arena or the host is closed
   */
  default LentBuffer lend(MemorySegment segment) {
    addressOf(segment);
    // A buffer over a segment keeps its memory, and its beginning is enough for that.
    long head = Math.min(segment.byteSize(), 1);
    return new LentSegment(lend(segment.asSlice(0, head).asByteBuffer()), segment.byteSize());
  }

  /**
   * As {@link TprocHost#lend(Buffer)}.
   *
   * @param directBuffer a direct buffer
   * @return its address
   */
  LentBuffer lend(Buffer directBuffer);

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
   * its limit on the size and with the same end: using a segment of a threadproc's memory throws
   * once that has been released. Reading or writing where nothing is mapped ends the JVM.
   *
   * <p>A segment of more than {@link Integer#MAX_VALUE} bytes takes a restricted method of the JDK,
   * so that the JVM warns, or refuses, unless it was started with {@code
   * --enable-native-access=io.tproc} ({@code ALL-UNNAMED} on the class path). Smaller ones need
   * nothing.
   *
   * @param address the first byte
   * @param size the number of bytes
   * @return a new segment that any thread may use
   * @throws IllegalArgumentException when the address is not positive, the size is negative, or the
   *     range wraps around
   * @throws IllegalStateException when it is a threadproc's that is being closed
   */
  @SuppressWarnings("restricted") // Said above; no other way leads beyond a ByteBuffer's limit.
  default MemorySegment segment(long address, long size) {
    Checks.range(address, size);
    if (size <= Integer.MAX_VALUE) {
      return MemorySegment.ofBuffer(view(address, size));
    }
    Optional<ViewScope> scope =
        this instanceof ScopedMemory scoped ? scoped.scopeAt(address) : Optional.empty();
    return scope
        .map(known -> known.segment(address, size))
        .orElseGet(() -> MemorySegment.ofAddress(address).reinterpret(size));
  }
}
