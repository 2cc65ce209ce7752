package io.tproc.share;

import io.tproc.ThreadProc;
import io.tproc.spi.SharedMemory;
import io.tproc.spi.ViewScope;
import java.nio.ByteBuffer;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;

/**
 * A block of the shared heap that this JVM owns, until it is freed ({@link #close}) or given to a
 * program. Made by {@link SharedHeap#allocate(long)} and {@link SharedHeap#take}. One that is
 * forgotten stays allocated until the host is closed: programs may use it still.
 *
 * <p>On Java 22 and later there is also {@code MemorySegment segment()}, whose use throws once the
 * block is freed or given away, or the host is closed.
 *
 * <p>All methods are thread-safe.
 */
public final class SharedBlock extends PlatformBlock implements AutoCloseable {
  private final SharedMemory memory;
  private final long address;
  private final long size;
  private boolean ended;

  SharedBlock(SharedMemory memory, long address, long size) {
    this.memory = memory;
    this.address = address;
    this.size = size;
  }

  /**
   * Where it begins, for this JVM and for all programs.
   *
   * @return the address
   * @throws IllegalStateException when it has been freed or given away
   */
  public long address() {
    return openAddress();
  }

  @Override
  ViewScope newScope() {
    return memory.viewScope(this);
  }

  /**
   * How large it is.
   *
   * @return bytes: as many as were asked for
   * @throws IllegalStateException when it has been freed or given away
   */
  public long size() {
    return openSize();
  }

  /**
   * The block as a buffer. Its use after the block has been freed or given away is an error without
   * an exception: the memory may be another's by then. After the host's end it throws where that of
   * a {@linkplain io.tproc.TprocHost#view view} does.
   *
   * @return a new direct buffer over all of it, in native byte order
   * @throws IllegalArgumentException when the block is larger than {@link Integer#MAX_VALUE}
   * @throws IllegalStateException when it has been freed or given away
   */
  public ByteBuffer buffer() {
    return memory.view(openAddress(), size);
  }

  /**
   * Where a reader begins in an arena, whatever is there.
   *
   * @return the address of the object from which all others can be reached
   * @throws SharedMemoryException with EPROTO: the block is no arena that has a root
   * @throws IllegalStateException when it has been freed or given away
   * @see SharedArena
   */
  public long root() {
    return findRoot(null);
  }

  /**
   * Where a reader begins in an arena.
   *
   * @param type what has to be there, as its maker calls it
   * @return the address of the object from which all others can be reached
   * @throws SharedMemoryException with EPROTO: the block is no arena that has a root; EPROTOTYPE:
   *     the root is of another type
   * @throws IllegalArgumentException when the type has more than 47 bytes, or a NUL
   * @throws IllegalStateException when it has been freed or given away
   * @see SharedArena
   */
  public long root(String type) {
    return findRoot(Registry.typed(type));
  }

  private synchronized long findRoot(byte @Nullable [] type) {
    checkOpen();
    return memory.arenaRoot(address, type);
  }

  /**
   * The block as what it has come as: an arena, with what is in it, and room for more.
   *
   * @return the arena, which is this block; there is nothing more to be closed
   * @throws SharedMemoryException with EPROTO: the block is no arena
   * @throws IllegalStateException when it has been freed or given away
   */
  public SharedArena arena() {
    SharedArena arena = new SharedArena(this);
    long unused = arena.used();
    return arena;
  }

  // Of an arena: under the lock, so that it stays this JVM's meanwhile, and one thread's at a time.

  synchronized long allocateInside(long bytes, long alignment) {
    checkOpen();
    return memory.allocateInArena(address, bytes, alignment);
  }

  synchronized void freeInside(long object, long bytes) {
    checkOpen();
    memory.freeInArena(address, object, bytes);
  }

  synchronized void setRoot(long root, byte[] type) {
    checkOpen();
    memory.setArenaRoot(address, root, type);
  }

  synchronized long usedInside() {
    checkOpen();
    return memory.arenaUsed(address);
  }

  /**
   * Makes it a program's: the program frees it, or its end does. From here on this object is as one
   * that is closed.
   *
   * @param program one of this host's
   * @throws SharedMemoryException with ESRCH: the program has ended, and the block is as before
   * @throws IllegalStateException when it has been freed or given away
   */
  public void giveTo(ThreadProc program) {
    giveTo(program.pid());
  }

  /**
   * Makes it a process's, as {@link #giveTo(ThreadProc)}: a program's that a launcher has started,
   * or a forked child's that uses the heap.
   *
   * @param pid the process
   * @throws SharedMemoryException with ESRCH: there is none that takes part, and the block is as
   *     before
   * @throws IllegalStateException when it has been freed or given away
   */
  public synchronized void giveTo(long pid) {
    checkOpen();
    endViews();
    memory.give(address, pid);
    ended = true;
  }

  /**
   * Hands it over to other code of this JVM: from here on this object is as one that is closed, its
   * segments included.
   *
   * @return a new object of the same block, to be closed or given away by who has it
   * @throws IllegalStateException when it has been freed or given away, or a segment of it is being
   *     used by a call into native code
   */
  public synchronized SharedBlock handOver() {
    checkOpen();
    endViews();
    ended = true;
    return new SharedBlock(memory, address, size);
  }

  /** Sends it: {@code send} gets its address, and says whether it has become another's. */
  synchronized boolean leave(LongPredicate send) {
    checkOpen();
    endViews();
    ended = send.test(address);
    return ended;
  }

  /**
   * Frees it. Calls after the first, and after {@link #giveTo(ThreadProc)}, do nothing.
   *
   * @throws IllegalStateException when a segment of it is being used by a call into native code;
   *     the block is as before
   * @throws SharedMemoryException when a program has freed it already
   */
  @Override
  public synchronized void close() {
    if (!ended) {
      endViews();
      ended = true;
      memory.free(address);
    }
  }

  private void checkOpen() {
    if (ended) {
      throw new IllegalStateException("the block has been freed or given away");
    }
  }

  @Override
  synchronized long openAddress() {
    checkOpen();
    return address;
  }

  @Override
  synchronized long openSize() {
    checkOpen();
    return size;
  }
}
