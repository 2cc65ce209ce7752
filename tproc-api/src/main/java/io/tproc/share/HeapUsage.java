package io.tproc.share;

import java.util.List;
import java.util.Objects;

/**
 * Who has how much of a {@link SharedHeap}, as it was found while all others went on: what changed
 * meanwhile may be counted or not. Immutable.
 *
 * @param size bytes that blocks may take up
 * @param taken bytes of these that are not free: blocks, and the room between them that was made
 *     for blocks of a size
 * @param resident bytes in memory, the heap's own tables included; 0 when /proc does not tell
 * @param uses the host's, and those of each owner that has blocks; in no order
 */
public record HeapUsage(long size, long taken, long resident, List<Use> uses) {
  /** Copies its list. */
  public HeapUsage {
    uses = List.copyOf(uses);
  }

  /** Whose blocks are counted. */
  public enum Owner {
    /** The host's own: Java's. */
    HOST,
    /** What was sent and not received, and the channels themselves. */
    CHANNELS,
    /** A program's, a forked child's. */
    PROCESS
  }

  /**
   * The blocks of one owner.
   *
   * @param owner what it is
   * @param pid of the process; of channels, the host's
   * @param ended whether the process has ended: its blocks can be read until it is closed
   * @param blocks that are allocated
   * @param bytes that these have room for
   * @param limit bytes that the processes of its launch may own together ({@link
   *     io.tproc.ThreadProcBuilder#heapLimit}); 0: any number
   */
  public record Use(Owner owner, long pid, boolean ended, long blocks, long bytes, long limit) {
    /** Refuses null. */
    public Use {
      Objects.requireNonNull(owner, "owner");
    }
  }
}
