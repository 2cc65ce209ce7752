package io.tproc.library;

import io.tproc.TprocHost;
import io.tproc.spi.CalleeSupport;
import java.lang.ref.Cleaner;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Collections;
import java.util.Map;
import java.util.Queue;
import java.util.WeakHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * The memory of a host's lanes. Forked children have it: a library that forks reads the arguments
 * of its call in the child. It lies in few large pieces that are used again, since each range that
 * forks have divides mappings, and stays so while the host is open.
 */
final class LaneMemory {
  private static final int LANES_OF_A_PIECE = 32;
  private static final Cleaner CLEANER = Cleaner.create();
  private static final Map<TprocHost, LaneMemory> OF_HOSTS =
      Collections.synchronizedMap(new WeakHashMap<>());

  private final Queue<ByteBuffer> free = new ConcurrentLinkedQueue<>();

  private LaneMemory() {}

  static LaneMemory of(TprocHost host) {
    return OF_HOSTS.computeIfAbsent(host, unused -> new LaneMemory());
  }

  /** A new lane; its memory is used again when nothing knows it any more. */
  Lane newLane(TprocHost host, CalleeSupport support, long spin) {
    ByteBuffer known = free.poll();
    ByteBuffer memory = known != null ? known : newPiece(host, support);
    Values.zero(memory, 0, memory.capacity());
    Lane lane = new Lane(support, memory.duplicate().order(ByteOrder.nativeOrder()), spin);
    CLEANER.register(lane, () -> free.add(memory));
    return lane;
  }

  private ByteBuffer newPiece(TprocHost host, CalleeSupport support) {
    ByteBuffer piece =
        ByteBuffer.allocateDirect(LANES_OF_A_PIECE * Lane.SIZE + Lane.ALIGNMENT)
            .alignedSlice(Lane.ALIGNMENT);
    try {
      host.keepInForks(support.address(piece), piece.capacity());
    } catch (IllegalStateException closed) {
      // the process that would fork ends, too
    }
    for (int i = 1; i < LANES_OF_A_PIECE; i++) {
      free.add(piece.slice(i * Lane.SIZE, Lane.SIZE));
    }
    return piece.slice(0, Lane.SIZE);
  }
}
