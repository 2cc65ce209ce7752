package io.tproc.share;

import io.tproc.spi.SharedMemory;
import java.time.Duration;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeoutException;

/**
 * The channels of a host and its programs. Made by {@link io.tproc.TprocHost#channels()}; {@code
 * tproc_channel_create} is the programs' side.
 *
 * <p>All methods are thread-safe. They throw {@link IllegalStateException} when the host is closed,
 * and {@link SharedMemoryException} with ENOTSUP where the machine allowed the host no shared
 * memory.
 */
public final class Channels {
  /** The type of a channel in the registry. */
  public static final String TYPE = "tproc.Channel/1";

  private static final int ALONE_SHIFT = 2;

  private final SharedMemory memory;

  /**
   * For providers.
   *
   * @param memory the host's
   */
  public Channels(SharedMemory memory) {
    this.memory = Objects.requireNonNull(memory, "memory");
  }

  /**
   * Makes a channel for any number of senders and receivers, and opens an end of it.
   *
   * @param cells most messages in it: a power of two, up to 1,048,576; 64 bytes each
   * @param roles of this end
   * @return the end, to be closed by the caller
   * @throws SharedMemoryException with ENOMEM, or with ENOSPC: there are 10240 channels
   */
  public Channel create(int cells, Set<Channel.Role> roles) {
    return create(cells, roles, Set.of());
  }

  /**
   * Makes a channel, and opens an end of it.
   *
   * @param cells most messages in it: a power of two, up to 1,048,576; 64 bytes each
   * @param roles of this end
   * @param alone roles that one process has, and one thread of it at a time (in this JVM {@link
   *     Channel} sees to that): quicker. A second process is refused
   * @return the end, to be closed by the caller
   * @throws SharedMemoryException with ENOMEM, or with ENOSPC: there are 10240 channels
   */
  public Channel create(int cells, Set<Channel.Role> roles, Set<Channel.Role> alone) {
    if (Integer.bitCount(cells) != 1 || cells < 0 || cells > Channel.CELLS_MAX) {
      throw new IllegalArgumentException("cells that are no power of two up to 2^20: " + cells);
    }
    int flags = Channel.bits(alone) << ALONE_SHIFT | bits(roles);
    return new Channel(memory, memory.createChannel(cells, flags), roles);
  }

  /**
   * Opens an end of a channel that is published; waits for the name.
   *
   * @param name 1 to 95 bytes
   * @param roles of this end
   * @param timeout how long it may wait
   * @return the end, to be closed by the caller
   * @throws TimeoutException when the time is over
   * @throws InterruptedException when the thread is interrupted while it waits
   * @throws SharedMemoryException with EPROTOTYPE: the name is that of something else; ESTALE: the
   *     channel is no more; EUSERS: 64 ends are open; EBUSY: it is for one process in this role
   */
  public Channel open(String name, Set<Channel.Role> roles, Duration timeout)
      throws InterruptedException, TimeoutException {
    int bits = bits(roles);
    Registration found = new Registry(memory).await(name, TYPE, timeout);
    return new Channel(memory, memory.openChannel(found, bits), roles);
  }

  /**
   * Opens an end of a channel whose {@link Channel#id} was told otherwise. Never waits.
   *
   * @param id the channel's
   * @param roles of this end
   * @return the end, to be closed by the caller
   * @throws SharedMemoryException with ESTALE: the channel is no more; EUSERS, EBUSY as {@link
   *     #open(String, Set, Duration)}
   */
  public Channel open(long id, Set<Channel.Role> roles) {
    return new Channel(memory, memory.openChannel(id, bits(roles)), roles);
  }

  private static int bits(Set<Channel.Role> roles) {
    int bits = Channel.bits(roles);
    if (bits == 0) {
      throw new IllegalArgumentException("no role");
    }
    return bits;
  }
}
