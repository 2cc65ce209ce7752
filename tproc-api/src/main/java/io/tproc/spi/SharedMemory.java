package io.tproc.spi;

import io.tproc.share.HeapUsage;
import io.tproc.share.Registration;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * What a host's native side does for {@link io.tproc.share}. Nothing here waits, but {@link
 * #sleep}. Arguments have been checked; addresses that are none of the shared heap are refused with
 * {@link io.tproc.share.SharedMemoryException}, and a closed host with {@link
 * IllegalStateException}.
 */
public interface SharedMemory {
  /**
   * Allocates a block that the host owns.
   *
   * @param size bytes, not negative
   * @param alignment a power of two
   * @return its address
   */
  long allocate(long size, long alignment);

  /**
   * Frees a block of any owner.
   *
   * @param address where it begins
   */
  void free(long address);

  /**
   * Makes a block a process's.
   *
   * @param address where it begins
   * @param pid the host's own, or a program's
   */
  void give(long address, long pid);

  /**
   * How many bytes a block has room for.
   *
   * @param address where it begins
   * @return 0 when no allocated block begins there
   */
  long usableSize(long address);

  /**
   * The process that owns a block.
   *
   * @param address where it begins
   * @return 0 when no allocated block begins there
   */
  long owner(long address);

  /**
   * Makes an empty arena, a block of the host's.
   *
   * @param capacity bytes, not negative
   * @return its address
   */
  long createArena(long capacity);

  /**
   * Takes room in an arena.
   *
   * @param arena where its block begins
   * @param size bytes, not negative
   * @param alignment a power of two
   * @return the address
   */
  long allocateInArena(long arena, long size, long alignment);

  /**
   * Gives room in an arena back.
   *
   * @param arena where its block begins
   * @param object where it was
   * @param size as it was taken with
   */
  void freeInArena(long arena, long object, long size);

  /**
   * Says where a receiver of an arena begins.
   *
   * @param arena where its block begins
   * @param root in it
   * @param type with a NUL at its end, 48 bytes at most
   */
  void setArenaRoot(long arena, long root, byte[] type);

  /**
   * Where a receiver of an arena begins.
   *
   * @param block which may be none
   * @param type with a NUL at its end, 48 bytes at most; null: any
   * @return the address
   */
  long arenaRoot(long block, byte @Nullable [] type);

  /**
   * How much of an arena is in use.
   *
   * @param arena where its block begins
   * @return bytes from its beginning
   */
  long arenaUsed(long arena);

  /**
   * Who has how much.
   *
   * @return a count that was made while all others went on
   */
  HeapUsage usage();

  /**
   * A buffer over memory.
   *
   * @param address the first byte
   * @param size bytes, at most {@link Integer#MAX_VALUE}
   * @return a direct buffer in native order
   */
  ByteBuffer view(long address, long size);

  /**
   * Begins a scope for views of the shared heap that ends with the host, at the latest.
   *
   * @param holder what is to stay reachable as long as a view of the scope is
   * @return the scope
   */
  ViewScope viewScope(Object holder);

  /**
   * Checks that an object lies in the shared heap.
   *
   * @param address aligned to 4
   * @param size bytes
   * @throws IllegalArgumentException when it does not
   */
  void checkShared(long address, long size);

  /**
   * Publishes.
   *
   * @param name 1 to 95 bytes
   * @param type up to 47 bytes
   * @param address where it lies
   * @param size bytes
   * @param version the publisher's own
   * @return what has been published
   */
  Registration publish(byte[] name, byte[] type, long address, long size, int version);

  /**
   * Finds a living publication of a name, or one that has ended.
   *
   * @param name 1 to 95 bytes
   * @return empty when there is none
   */
  Optional<Registration> lookup(byte[] name);

  /**
   * Reads a publication again.
   *
   * @param id which
   * @return empty when it is no more
   */
  Optional<Registration> registered(long id);

  /**
   * Lists the registry.
   *
   * @return all, in no order
   */
  List<Registration> registry();

  /**
   * Takes a publication back.
   *
   * @param id which
   * @return false when it is no more
   */
  boolean withdraw(long id);

  /**
   * The event that is signalled when the registry changes.
   *
   * @return its address
   */
  long registryEvent();

  /**
   * Announces a wait for an event.
   *
   * @param event its address
   * @return the value that its word keeps until the next signal
   */
  int prepare(long event);

  /**
   * Signals an event.
   *
   * @param event its address
   */
  void signal(long event);

  /**
   * Tries to lock a mutex.
   *
   * @param mutex its address
   * @param slept whether the caller has slept since it wants it
   * @return 0: locked; 1: locked, its last owner has died with it; -1: another has it
   */
  int tryLock(long mutex, boolean slept);

  /**
   * Announces that a thread sleeps for a mutex.
   *
   * @param mutex its address
   * @return the unsigned value of its word to sleep at; -1: try again
   */
  long announce(long mutex);

  /**
   * Unlocks a mutex.
   *
   * @param mutex its address
   */
  void unlock(long mutex);

  /**
   * Says that what a mutex guards is right again.
   *
   * @param mutex its address
   */
  void consistent(long mutex);

  /**
   * Takes a permit of a semaphore.
   *
   * @param semaphore its address
   * @return whether there was one
   */
  boolean tryAcquire(long semaphore);

  /**
   * Adds a permit to a semaphore.
   *
   * @param semaphore its address
   */
  void release(long semaphore);

  /**
   * Takes a place at a barrier.
   *
   * @param barrier its address
   * @return the place's number
   */
  int joinBarrier(long barrier);

  /**
   * Arrives at a barrier.
   *
   * @param barrier its address
   * @param place the caller's
   * @return the round, an unsigned int; -1: the one that was due was broken
   */
  long arriveAtBarrier(long barrier, int place);

  /**
   * Looks how it is with a round.
   *
   * @param barrier its address
   * @param round which
   * @param giveUp whether to break it unless it has ended
   * @return 0: it has ended; 1: by this call; 2: it was broken; 3: by this call; 4: others are
   *     awaited
   */
  int lookAtBarrier(long barrier, int round, boolean giveUp);

  /**
   * Gives a place up.
   *
   * @param barrier its address
   * @param place the caller's
   */
  void leaveBarrier(long barrier, int place);

  /**
   * Makes a channel, and opens an end of it.
   *
   * @param cells a power of two
   * @param flags 1: sends; 2: receives; 4, 8: one process sends, receives
   * @return the end, for the methods below; one thread at a time uses it to send, and one to
   *     receive
   */
  ByteBuffer createChannel(int cells, int flags);

  /**
   * Opens an end of a channel.
   *
   * @param publication of a channel
   * @param roles 1: sends; 2: receives
   * @return the end
   */
  ByteBuffer openChannel(Registration publication, int roles);

  /**
   * Opens an end of a channel.
   *
   * @param id of the channel
   * @param roles 1: sends; 2: receives
   * @return the end
   */
  ByteBuffer openChannel(long id, int roles);

  /**
   * Publishes a channel.
   *
   * @param end of it
   * @param name with a NUL at its end
   */
  void publishChannel(ByteBuffer end, byte[] name);

  /**
   * Closes an end of a channel.
   *
   * @param end which is used no more
   */
  void closeChannel(ByteBuffer end);

  /**
   * The id of a channel.
   *
   * @param end of it
   * @return the id
   */
  long channelId(ByteBuffer end);

  /**
   * Sends as many messages as there is room for.
   *
   * @param end of a channel
   * @param messages direct: {@code struct tproc_message}, one after the other
   * @param count how many
   * @return how many were sent
   */
  int sendMessages(ByteBuffer end, ByteBuffer messages, int count);

  /**
   * Receives as many messages as there are.
   *
   * @param end of a channel
   * @param messages direct; receives {@code struct tproc_message}, one after the other
   * @param count room for how many
   * @return how many were received
   */
  int receiveMessages(ByteBuffer end, ByteBuffer messages, int count);

  /**
   * Whether sending or receiving would find room, a message, or that there is no peer any more.
   *
   * @param end of a channel
   * @param role 1: sends; 2: receives
   * @return whether it would
   */
  boolean isChannelReady(ByteBuffer end, int role);

  /**
   * The event that one waits for who found no room, or no message.
   *
   * @param id of a channel
   * @param role 1: sends; 2: receives
   * @return its address, which stays
   */
  long channelEvent(long id, int role);

  /**
   * How many ends of a channel there are with a role.
   *
   * @param id of the channel
   * @param role 1: sends; 2: receives
   * @return their number
   */
  int channelPeers(long id, int role);

  /**
   * Before a wait is announced.
   *
   * @return what {@link #changed} takes
   */
  long begin();

  /**
   * Waits at a word.
   *
   * @param address of the word, which stays
   * @param value the value that it is waited at
   * @param since what {@link #begin} returned before the wait was announced
   * @return completes, in a thread that must not be held up, when the word has another value or a
   *     process has ended; exceptionally with IllegalStateException when the host is closed. May be
   *     cancelled
   */
  CompletableFuture<Void> changed(long address, int value, long since);

  /**
   * The calling thread sleeps at a word itself, in native code, until a thread wakes it; also for
   * no reason, and when a process has ended whose waking it would have been. It holds the host open
   * meanwhile and does not hear of interrupts: so it is not to be for long.
   *
   * @param address of the word, which stays
   * @param value without which it does not sleep
   * @param nanoseconds how long at most, not negative
   */
  void sleep(long address, int value, long nanoseconds);

  /**
   * Wakes all who sleep at a word, without a reason: they look again.
   *
   * @param address of the word
   */
  void wake(long address);
}
