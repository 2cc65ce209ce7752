package io.tproc.share;

/**
 * A graph of objects in one block of the shared heap, which is given, sent and freed with all of
 * them, in one step: {@link #block()} is sent through a {@link Channel} or {@linkplain
 * SharedBlock#giveTo given} as any other. Made by {@link SharedHeap#createArena} and {@link
 * SharedBlock#arena}; {@code tproc_arena_create} is the programs' side.
 *
 * <p>How much goes into one is said when it is made; it takes memory only as it is used. Objects
 * are found by their addresses, which are the same in all programs ({@link
 * io.tproc.TprocHost#view}).
 *
 * <p>All methods are thread-safe. They throw {@link IllegalStateException} once the block has been
 * freed or given away.
 */
public final class SharedArena implements AutoCloseable {
  private static final long USUAL_ALIGNMENT = 16;

  private final SharedBlock block;

  SharedArena(SharedBlock block) {
    this.block = block;
  }

  /**
   * The block that all of it lies in.
   *
   * @return the block, to be sent or given with what is in it
   */
  public SharedBlock block() {
    return block;
  }

  /**
   * Takes room for an object, aligned to 16 bytes. What is in it is anything.
   *
   * @param size bytes
   * @return its address
   * @throws SharedMemoryException with ENOMEM: the arena has not that much left
   */
  public long allocate(long size) {
    return allocate(size, USUAL_ALIGNMENT);
  }

  /**
   * Takes room for an object. What is in it is anything.
   *
   * @param size bytes
   * @param alignment a power of two, in bytes; less than 16 is 16
   * @return its address
   * @throws SharedMemoryException with ENOMEM: the arena has not that much left
   */
  public long allocate(long size, long alignment) {
    SharedHeap.check(size, alignment);
    return block.allocateInside(size, alignment);
  }

  /**
   * Makes room free for what is allocated later in this arena.
   *
   * @param object its address
   * @param size as it was allocated with
   * @throws SharedMemoryException with EINVAL: the arena cannot have handed out such room
   */
  public void free(long object, long size) {
    if (size < 0) {
      throw new IllegalArgumentException("a negative size: " + size);
    }
    block.freeInside(object, size);
  }

  /**
   * Says where a receiver begins, which finds it by {@link SharedBlock#root(String)}.
   *
   * @param object from which all others can be reached
   * @param type what it is, for example {@code acme.Words/1}, at most 47 bytes
   * @throws SharedMemoryException with EINVAL: the object does not lie in this arena
   * @throws IllegalArgumentException when the type has more than 47 bytes, or a NUL
   */
  public void setRoot(long object, String type) {
    block.setRoot(object, Registry.typed(type));
  }

  /**
   * How much of the block is in use.
   *
   * @return bytes from its beginning, the arena's own included
   */
  public long used() {
    return block.usedInside();
  }

  /** Frees the block with all that is in it, unless it has been sent or given away. */
  @Override
  public void close() {
    block.close();
  }
}
