package io.tproc.jni;

import io.tproc.LaunchException;
import java.io.FileDescriptor;
import java.io.IOException;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The native methods, in the order of the C files that hold them. Pointers are {@code long};
 * nothing here checks them, so only {@link HostState}, {@link ThreadProcHandle} and {@link
 * JniListener} may call what takes one.
 *
 * <p>Texts are bytes in the file system's encoding ({@link ByteStrings}). Blocks are NUL-terminated
 * texts, one after the other.
 */
final class Native {
  private Native() {}

  // host.c

  /** tproc_host_open. Throws TprocUnavailableException. */
  static native long openHost();

  /** tproc_host_close. */
  static native void closeHost(long host);

  /** tproc_host_scratch, as a direct buffer. */
  static native ByteBuffer scratch(long host);

  // launch.c

  /** The value of {@code nice} that keeps the host's. */
  static final int HOST_NICE = Integer.MIN_VALUE;

  /**
   * tproc_host_launch. Returns a pointer to the threadproc.
   *
   * @param nice or {@link #HOST_NICE}
   * @param limits resource, soft and hard of each that is not the host's
   * @param cpus bits of those that it may run on; null for the host's
   * @param descriptors number in the program and here of each
   */
  static native long launch(
      long host,
      byte[] program,
      byte @Nullable [] searchPath,
      byte[] arguments,
      int argumentCount,
      byte[] environment,
      int environmentCount,
      byte @Nullable [] directory,
      int stdin,
      int stdout,
      int stderr,
      int carried,
      int umask,
      boolean crashReport,
      boolean stay,
      boolean neverForks,
      boolean spill,
      long heapLimit,
      boolean session,
      int nice,
      long @Nullable [] limits,
      long @Nullable [] cpus,
      int @Nullable [] descriptors)
      throws LaunchException;

  /** For {@link #prepare}: it waits before its own code. */
  static final long NOT_UNTIL_READY = -1;

  /**
   * tproc_host_prepare, or tproc_host_prepare_ready.
   *
   * @param limits resource, soft and hard of each that is not the host's
   * @param ageMax nanoseconds; 0 for none
   * @param patience nanoseconds until it has to be ready; {@link #NOT_UNTIL_READY}
   */
  static native void prepare(
      long host,
      byte[] program,
      byte @Nullable [] searchPath,
      byte[] arguments,
      int argumentCount,
      byte[] environment,
      int environmentCount,
      byte @Nullable [] directory,
      boolean stay,
      boolean neverForks,
      long @Nullable [] limits,
      int count,
      long ageMax,
      long patience)
      throws LaunchException;

  /** tproc_host_prepared, as struct tproc_prepared: see {@link Prepared}. */
  static native byte[] prepared(long host);

  // threadproc.c

  /** tproc_threadproc_pid. */
  static native int pid(long threadproc);

  /** tproc_threadproc_executed: texts, each with its NUL. */
  static native byte[] executed(long threadproc);

  /** tproc_threadproc_signal. Returns false when the exit has been collected already. */
  static native boolean signal(long threadproc, int signal) throws IOException;

  /**
   * tproc_threadproc_close. Returns false, and frees nothing, when the exit has not been collected
   * yet.
   */
  static native boolean release(long threadproc);

  /** tproc_threadproc_exec: enum tproc_exec. */
  static native int exec(long threadproc);

  // crash.c

  /** tproc_threadproc_crash: a struct tproc_crash ({@link CrashReports}), or null. */
  static native byte @Nullable [] crash(long threadproc);

  // exits.c

  /** tproc_threadproc_watch. The id comes back with the exit. */
  static native void watch(long threadproc, long id) throws IOException;

  /**
   * Ends a threadproc that Java could not take over, and watches it: its exit comes back with the
   * negated pointer as the id. Needs no memory, and no more of the stack than {@link #launch} did.
   *
   * @return false when it cannot be watched: closing the host will collect it
   */
  static native boolean abandon(long threadproc);

  /**
   * tproc_host_next_exit, without a timeout.
   *
   * @param exit receives the id, the kind (enum tproc_exit_kind) and the status
   * @return false after {@link #wake}
   */
  static native boolean nextExit(long host, long[] exit) throws IOException;

  /** tproc_host_wake. */
  static native void wake(long host);

  // listener.c

  /**
   * tproc_server_open. Returns a pointer to the server.
   *
   * @param path a text that ends in NUL
   */
  static native long openServer(long host, byte[] path) throws IOException;

  /** tproc_server_open_inherited. */
  static native long openInheritedServer(long host, int descriptor) throws IOException;

  /** tproc_server_path. */
  static native byte[] serverPath(long server);

  /**
   * tproc_notify_service. Returns whether there is a service manager.
   *
   * @param state a text that ends in NUL
   */
  static native boolean notifyService(byte[] state) throws IOException;

  /** tproc_server_close, which frees it. Before {@link #closeHost}. */
  static native void closeServer(long server);

  // buffers.c

  /** A direct buffer over memory. */
  static native ByteBuffer view(long address, int size);

  /** The address of a direct buffer's index 0. */
  static native long addressOf(Buffer directBuffer);

  // waits.c

  /** FUTEX_WAIT, not private; -1 is without end. Returns for any reason. */
  static native void awaitChange(long address, int value, long nanoseconds);

  /** FUTEX_WAKE of all, not private. */
  static native void wakeAll(long address);

  /** As wakeAll, and before that the number of this thread's processor is written. */
  static native void wakeFromHere(long address, long processor);

  // memory.c

  /** tproc_host_owner_of. Returns a pointer that may only be compared, or 0. */
  static native long ownerOf(long host, long address);

  /** tproc_host_keep_in_forks. */
  static native void keepInForks(long host, long address, long size);

  // share.c

  /** tproc_host_alloc. Throws SharedMemoryException, as all of these. */
  static native long allocate(long host, long size, long alignment);

  /** tproc_host_free. */
  static native void free(long host, long address);

  /** tproc_host_give. */
  static native void give(long host, long address, int pid);

  /** tproc_host_usable_size. */
  static native long usableSize(long host, long address);

  /** tproc_host_block_owner. */
  static native int blockOwner(long host, long address);

  /** tproc_host_arena_create. */
  static native long createArena(long host, long capacity);

  /** tproc_host_arena_alloc. */
  static native long allocateInArena(long host, long arena, long size, long alignment);

  /** tproc_host_arena_free. */
  static native void freeInArena(long host, long arena, long object, long size);

  /**
   * tproc_host_arena_set_root.
   *
   * @param type a text that ends in NUL, and fits
   */
  static native void setArenaRoot(long host, long arena, long root, byte[] type);

  /**
   * tproc_host_arena_root.
   *
   * @param type a text that ends in NUL, and fits; or null
   */
  static native long arenaRoot(long host, long block, byte @Nullable [] type);

  /** tproc_host_arena_used. */
  static native long arenaUsed(long host, long arena);

  /**
   * tproc_host_publish.
   *
   * @param name a text that ends in NUL, and fits; likewise the tag
   * @return a struct tproc_registered: {@link Listings#registration}
   */
  static native byte[] publish(
      long host, byte[] name, byte[] tag, long address, long size, int version);

  /** tproc_host_lookup. Returns null when there is none. */
  static native byte @Nullable [] lookup(long host, byte[] name);

  /** tproc_host_registered. Returns null when it is no more. */
  static native byte @Nullable [] registered(long host, long id);

  /** tproc_host_withdraw. Returns false when it is no more. */
  static native boolean withdraw(long host, long id);

  /** tproc_host_registry_event. */
  static native long registryEvent(long host);

  /** tproc_host_is_shared. */
  static native boolean isShared(long host, long address, long size);

  /** tproc_host_event_prepare. */
  static native int eventPrepare(long event);

  /** tproc_host_event_signal. */
  static native void eventSignal(long event);

  /** tproc_host_mutex_try. Returns 0, 1 (its owner has died), or -1 (busy). */
  static native int mutexTry(long host, long mutex, boolean slept);

  /** tproc_host_mutex_announce. Returns the value to sleep at, or -1: try again. */
  static native long mutexAnnounce(long host, long mutex);

  /** tproc_host_mutex_unlock. */
  static native void mutexUnlock(long host, long mutex);

  /** tproc_host_mutex_consistent. */
  static native void mutexConsistent(long host, long mutex);

  /** tproc_host_semaphore_try. */
  static native boolean semaphoreTry(long host, long semaphore);

  /** tproc_host_barrier_join. */
  static native int barrierJoin(long host, long barrier);

  /** tproc_host_barrier_arrive. Returns the round, or -1 when the one that was due was broken. */
  static native long barrierArrive(long host, long barrier, int place);

  /** tproc_host_barrier_look. */
  static native int barrierLook(long host, long barrier, int round, boolean giveUp);

  /** tproc_host_barrier_leave. */
  static native void barrierLeave(long host, long barrier, int place);

  /** tproc_host_semaphore_post. */
  static native void semaphorePost(long host, long semaphore);

  /**
   * tproc_host_channel_create. The end is direct, a struct tproc_channel_handle; so in the next.
   */
  static native void channelCreate(long host, int cells, int flags, ByteBuffer end);

  /** tproc_host_channel_open. */
  static native void channelOpen(long host, long id, int roles, ByteBuffer end);

  /** tproc_host_channel_of. */
  static native long channelOf(long host, byte[] type, long address, int version);

  /** tproc_host_channel_publish. The name ends in NUL. */
  static native void channelPublish(long host, ByteBuffer end, byte[] name);

  /** tproc_host_channel_close. */
  static native void channelClose(long host, ByteBuffer end);

  /** tproc_host_channel_send. The messages are direct. */
  static native int channelSend(long host, ByteBuffer end, ByteBuffer messages, int count);

  /** tproc_host_channel_receive. The messages are direct. */
  static native int channelReceive(long host, ByteBuffer end, ByteBuffer messages, int count);

  /** tproc_host_channel_ready. */
  static native boolean channelReady(long host, ByteBuffer end, int role);

  /** tproc_host_channel_event. */
  static native long channelEvent(long host, long id, int role);

  /** tproc_host_channel_peers. */
  static native int channelPeers(long host, long id, int role);

  /** tproc_host_wait_begin. */
  static native long waitBegin(long host);

  /** tproc_host_wait. The table is direct, in native order: see {@link WaiterThread}. */
  static native void awaitWords(long host, long begun, ByteBuffer table, int count);

  /** tproc_host_wait_ring. */
  static native void waitRing(long host);

  // listing.c

  /** tproc_host_listing: the payload that {@link Listings#statuses} decodes. */
  static native byte[] statuses(long host);

  /** tproc_host_registry_listing: the payload that {@link Listings#registrations} decodes. */
  static native byte[] registry(long host);

  /** tproc_host_heap_listing: the payload that {@link Listings#heapUsage} decodes. */
  static native byte[] heapUsage(long host);

  /** tproc_threadproc_listing: the payload that {@link Listings#mappings} decodes. */
  static native byte[] memory(long threadproc);

  // check.c

  /**
   * tproc_check: a block with four texts of each finding: its name, verdict, value and advice; see
   * {@link Findings}.
   */
  static native byte[] check();

  // descriptors.c

  /** pipe2 with O_CLOEXEC, into two descriptors that are not open yet. */
  static native void pipe(FileDescriptor reader, FileDescriptor writer) throws IOException;

  /** Whether somebody can still write to the pipe that a descriptor reads. */
  static native boolean hasWriter(int reader);

  /** tproc_carry_file, into a descriptor that is not open yet. */
  static native void carryFile(byte[] path, int flags, FileDescriptor carrier) throws IOException;

  /** The flags of open(2) with which a file is read, or written. */
  static native int fileFlags(boolean write, boolean append);

  /** The number of an open descriptor. */
  static native int number(FileDescriptor descriptor);
}
