package io.tproc.arrow;

import io.tproc.share.SharedBlock;
import io.tproc.share.SharedMemoryException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.ForeignAllocation;
import org.jspecify.annotations.Nullable;

/**
 * The memory that a result may lie in: the block that came with it, and what was lent for it.
 * Buffers that are made of it keep it; this object does so until it is closed.
 */
final class Memory implements AutoCloseable {
  private final BufferAllocator allocator;
  private final Lease lease;
  private final @Nullable Region block;
  private final @Nullable ArrowBuf blockBuffer;
  private final Map<Region, ArrowBuf> lent = new HashMap<>();

  /**
   * The block is this object's from here on. The allocator counts so much of it as is used: what is
   * only reserved takes no memory.
   */
  Memory(BufferAllocator allocator, Optional<SharedBlock> own, long used, Lease lease) {
    this.allocator = allocator;
    this.lease = lease;
    if (own.isEmpty() || used <= 0) {
      own.ifPresent(Memory::closeQuietly);
      block = null;
      blockBuffer = null;
      return;
    }
    SharedBlock came = own.get();
    block = new Region(came.address(), Math.min(used, came.size()));
    blockBuffer = wrapped(block, () -> closeQuietly(came));
  }

  /** The host may be closed, and a program may have freed what is not its own. */
  static void closeQuietly(SharedBlock block) {
    try {
      block.close();
    } catch (SharedMemoryException | IllegalStateException gone) {
      // as it was to be
    }
  }

  private ArrowBuf wrapped(Region region, Runnable end) {
    // Once: of some failures the allocator releases by itself, of others not.
    AtomicBoolean ended = new AtomicBoolean();
    Runnable release =
        () -> {
          if (!ended.getAndSet(true)) {
            end.run();
          }
        };
    ForeignAllocation memory =
        new ForeignAllocation(region.size(), region.address()) {
          @Override
          protected void release0() {
            release.run();
          }
        };
    boolean done = false;
    try {
      ArrowBuf buffer = allocator.wrapForeignAllocation(memory);
      done = true;
      return buffer;
    } finally {
      if (!done) {
        release.run();
      }
    }
  }

  /**
   * A buffer over some of it, which is to be retained by who keeps it; null when it is not in here.
   */
  @Nullable ArrowBuf find(long address, long size) {
    if (size == 0) {
      return allocator.getEmpty();
    }
    if (block != null && blockBuffer != null && block.contains(address, size)) {
      return blockBuffer.slice(address - block.address(), size);
    }
    for (Region each : lease.regions()) {
      if (each.contains(address, size)) {
        return lent(each).slice(address - each.address(), size);
      }
    }
    return null;
  }

  private ArrowBuf lent(Region region) {
    ArrowBuf known = lent.get(region);
    if (known == null) {
      lease.retain();
      known = wrapped(region, lease::release);
      lent.put(region, known);
    }
    return known;
  }

  @Override
  public void close() {
    if (blockBuffer != null) {
      blockBuffer.close();
    }
    lent.values().forEach(ArrowBuf::close);
  }
}
