package io.tproc.share;

import io.tproc.spi.SharedMemory;
import java.util.Objects;
import java.util.OptionalLong;

/**
 * The heap that a host, its programs and their children share: any of them frees what any other has
 * allocated. A block has an owner, whose end is its end. Made by {@link io.tproc.TprocHost#heap()};
 * {@code tproc_alloc} is the programs' side.
 *
 * <p>All methods are thread-safe. They throw {@link IllegalStateException} when the host is closed,
 * and {@link SharedMemoryException} with ENOTSUP where the machine allowed the host no heap.
 */
public final class SharedHeap {
  private static final long USUAL_ALIGNMENT = 16;

  private final SharedMemory memory;

  /**
   * For providers.
   *
   * @param memory the host's
   */
  public SharedHeap(SharedMemory memory) {
    this.memory = Objects.requireNonNull(memory, "memory");
  }

  /**
   * Allocates a block, aligned to 16 bytes. What is in it is anything.
   *
   * @param size bytes; 0 is a block, too
   * @return the block, to be closed or given away by the caller
   * @throws SharedMemoryException with ENOMEM: the heap is full
   */
  public SharedBlock allocate(long size) {
    return allocate(size, USUAL_ALIGNMENT);
  }

  /**
   * Allocates a block.
   *
   * @param size bytes; 0 is a block, too
   * @param alignment a power of two, in bytes
   * @return the block, to be closed or given away by the caller
   * @throws SharedMemoryException with ENOMEM: the heap is full
   */
  public SharedBlock allocate(long size, long alignment) {
    check(size, alignment);
    return new SharedBlock(memory, memory.allocate(size, alignment), size);
  }

  static void check(long size, long alignment) {
    if (size < 0) {
      throw new IllegalArgumentException("a negative size: " + size);
    }
    if (Long.bitCount(alignment) != 1 || alignment < 0) {
      throw new IllegalArgumentException("an alignment that is no power of two: " + alignment);
    }
  }

  /**
   * Makes an empty arena, in a block of its own.
   *
   * @param capacity bytes for all there is to come, 1152 of them the arena's own
   * @return the arena, to be closed or given away by the caller
   * @throws SharedMemoryException with ENOMEM: the heap is full
   */
  public SharedArena createArena(long capacity) {
    check(capacity, USUAL_ALIGNMENT);
    long address = memory.createArena(capacity);
    return new SharedArena(new SharedBlock(memory, address, memory.usableSize(address)));
  }

  /**
   * Takes a block over from its owner, for example from a program that has told its address: it
   * does not end with that program any more.
   *
   * @param address where it begins
   * @return the block, with all that it has room for, to be closed or given away by the caller
   * @throws SharedMemoryException with EINVAL: no allocated block begins there
   */
  public SharedBlock take(long address) {
    memory.give(address, ProcessHandle.current().pid());
    return new SharedBlock(memory, address, memory.usableSize(address));
  }

  /**
   * Frees a block of any owner.
   *
   * @param address where it begins
   * @throws SharedMemoryException with EINVAL: no allocated block begins there
   */
  public void free(long address) {
    memory.free(address);
  }

  /**
   * How many bytes a block has room for: as many as were asked for, or more.
   *
   * @param address where it begins
   * @return empty when no allocated block begins there
   */
  public OptionalLong usableSize(long address) {
    long size = memory.usableSize(address);
    return size == 0 ? OptionalLong.empty() : OptionalLong.of(size);
  }

  /**
   * The process that owns a block; it may have ended, as long as it has not been closed.
   *
   * @param address where it begins
   * @return its pid; empty when no allocated block begins there
   */
  public OptionalLong ownerOf(long address) {
    long pid = memory.owner(address);
    return pid == 0 ? OptionalLong.empty() : OptionalLong.of(pid);
  }

  /**
   * Counts who has how much of the heap, while all others go on. It looks at each block, so it
   * takes time for a large heap of small ones.
   *
   * @return the count
   */
  public HeapUsage usage() {
    return memory.usage();
  }

  /**
   * A mutex in a block.
   *
   * @param address of {@link SharedMutex#SIZE} bytes, a multiple of 4
   * @return the mutex
   * @throws IllegalArgumentException when the address is not in the heap, or not aligned
   */
  public SharedMutex mutex(long address) {
    return new SharedMutex(memory, address);
  }

  /**
   * A condition in a block.
   *
   * @param address of {@link SharedCondition#SIZE} bytes, a multiple of 4
   * @return the condition
   * @throws IllegalArgumentException when the address is not in the heap, or not aligned
   */
  public SharedCondition condition(long address) {
    return new SharedCondition(memory, address);
  }

  /**
   * A once in a block.
   *
   * @param address of {@link SharedOnce#SIZE} bytes, a multiple of 4
   * @return the once
   * @throws IllegalArgumentException when the address is not in the heap, or not aligned
   */
  public SharedOnce once(long address) {
    return new SharedOnce(memory, address);
  }

  /**
   * A semaphore in a block.
   *
   * @param address of {@link SharedSemaphore#SIZE} bytes, a multiple of 4
   * @return the semaphore
   * @throws IllegalArgumentException when the address is not in the heap, or not aligned
   */
  public SharedSemaphore semaphore(long address) {
    return new SharedSemaphore(memory, address);
  }

  /**
   * A barrier in a block.
   *
   * @param address of {@link SharedBarrier#SIZE} bytes, a multiple of 8
   * @return the barrier
   * @throws IllegalArgumentException when the address is not in the heap, or not aligned
   */
  public SharedBarrier barrier(long address) {
    return new SharedBarrier(memory, address);
  }

  /**
   * An event in a block.
   *
   * @param address of {@link SharedEvent#SIZE} bytes, a multiple of 4
   * @return the event
   * @throws IllegalArgumentException when the address is not in the heap, or not aligned
   */
  public SharedEvent event(long address) {
    return new SharedEvent(memory, address);
  }
}
