package io.tproc.jni;

import io.tproc.Errno;
import io.tproc.share.HeapUsage;
import io.tproc.share.Registration;
import io.tproc.share.SharedMemoryException;
import io.tproc.spi.SharedMemory;
import io.tproc.spi.ViewScope;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** The shared heap of one host. Each call holds the host open for as long as it takes. */
final class JniSharedMemory implements SharedMemory {
  // struct tproc_channel_handle.
  private static final int CHANNEL_END_SIZE = 32;
  private static final int CHANNEL_ID = 8;

  private final HostState state;

  /** The host stays open as long as its heap is reachable. */
  private final JniHost host;

  JniSharedMemory(HostState state, JniHost host) {
    this.state = state;
    this.host = host;
  }

  @Override
  public long allocate(long size, long alignment) {
    return state.call(pointer -> Native.allocate(pointer, size, alignment));
  }

  @Override
  public void free(long address) {
    state.run(pointer -> Native.free(pointer, address));
  }

  @Override
  public void give(long address, long pid) {
    if (pid <= 0 || pid > Integer.MAX_VALUE) {
      throw new SharedMemoryException(Errno.ESRCH, "no process has the id " + pid + " (ESRCH)");
    }
    state.run(pointer -> Native.give(pointer, address, (int) pid));
  }

  @Override
  public long usableSize(long address) {
    return state.call(pointer -> Native.usableSize(pointer, address));
  }

  @Override
  public long owner(long address) {
    return state.call(pointer -> (long) Native.blockOwner(pointer, address));
  }

  @Override
  public long createArena(long capacity) {
    return state.call(pointer -> Native.createArena(pointer, capacity));
  }

  @Override
  public long allocateInArena(long arena, long size, long alignment) {
    return state.call(pointer -> Native.allocateInArena(pointer, arena, size, alignment));
  }

  @Override
  public void freeInArena(long arena, long object, long size) {
    state.run(pointer -> Native.freeInArena(pointer, arena, object, size));
  }

  @Override
  public void setArenaRoot(long arena, long root, byte[] type) {
    state.run(pointer -> Native.setArenaRoot(pointer, arena, root, type));
  }

  @Override
  public long arenaRoot(long block, byte @Nullable [] type) {
    return state.call(pointer -> Native.arenaRoot(pointer, block, type));
  }

  @Override
  public long arenaUsed(long arena) {
    return state.call(pointer -> Native.arenaUsed(pointer, arena));
  }

  @Override
  public HeapUsage usage() {
    return Listings.heapUsage(state.call(Native::heapUsage));
  }

  @Override
  public ByteBuffer view(long address, long size) {
    state.checkOpen();
    return host.viewOwn(address, size);
  }

  @Override
  public ViewScope viewScope(Object holder) {
    return state.ownScope(holder);
  }

  @Override
  public void checkShared(long address, long size) {
    if (!state.call(pointer -> Native.isShared(pointer, address, size))) {
      throw new IllegalArgumentException(
          "not in the shared heap, or not aligned to 4: 0x" + Long.toHexString(address));
    }
  }

  @Override
  public Registration publish(byte[] name, byte[] type, long address, long size, int version) {
    return Listings.registration(
        state.call(pointer -> Native.publish(pointer, name, type, address, size, version)));
  }

  @Override
  public Optional<Registration> lookup(byte[] name) {
    return state
        .call(pointer -> Optional.ofNullable(Native.lookup(pointer, name)))
        .map(Listings::registration);
  }

  @Override
  public Optional<Registration> registered(long id) {
    return state
        .call(pointer -> Optional.ofNullable(Native.registered(pointer, id)))
        .map(Listings::registration);
  }

  @Override
  public List<Registration> registry() {
    return Listings.registrations(state.call(Native::registry));
  }

  @Override
  public boolean withdraw(long id) {
    return state.call(pointer -> Native.withdraw(pointer, id));
  }

  @Override
  public long registryEvent() {
    return state.call(Native::registryEvent);
  }

  @Override
  public int prepare(long event) {
    return state.call(pointer -> Native.eventPrepare(event));
  }

  @Override
  public void signal(long event) {
    state.run(pointer -> Native.eventSignal(event));
  }

  @Override
  public int tryLock(long mutex, boolean slept) {
    return state.call(pointer -> Native.mutexTry(pointer, mutex, slept));
  }

  @Override
  public long announce(long mutex) {
    return state.call(pointer -> Native.mutexAnnounce(pointer, mutex));
  }

  @Override
  public void unlock(long mutex) {
    state.run(pointer -> Native.mutexUnlock(pointer, mutex));
  }

  @Override
  public void consistent(long mutex) {
    state.run(pointer -> Native.mutexConsistent(pointer, mutex));
  }

  @Override
  public boolean tryAcquire(long semaphore) {
    return state.call(pointer -> Native.semaphoreTry(pointer, semaphore));
  }

  @Override
  public void release(long semaphore) {
    state.run(pointer -> Native.semaphorePost(pointer, semaphore));
  }

  private static ByteBuffer newEnd() {
    return ByteBuffer.allocateDirect(CHANNEL_END_SIZE).order(ByteOrder.nativeOrder());
  }

  @Override
  public int joinBarrier(long barrier) {
    return state.call(pointer -> Native.barrierJoin(pointer, barrier));
  }

  @Override
  public long arriveAtBarrier(long barrier, int place) {
    return state.call(pointer -> Native.barrierArrive(pointer, barrier, place));
  }

  @Override
  public int lookAtBarrier(long barrier, int round, boolean giveUp) {
    return state.call(pointer -> Native.barrierLook(pointer, barrier, round, giveUp));
  }

  @Override
  public void leaveBarrier(long barrier, int place) {
    state.run(pointer -> Native.barrierLeave(pointer, barrier, place));
  }

  @Override
  public ByteBuffer createChannel(int cells, int flags) {
    ByteBuffer end = newEnd();
    state.run(pointer -> Native.channelCreate(pointer, cells, flags, end));
    return end;
  }

  @Override
  public ByteBuffer openChannel(Registration publication, int roles) {
    ByteBuffer end = newEnd();
    byte[] type = (publication.type() + '\0').getBytes(StandardCharsets.UTF_8);
    state.run(
        pointer -> {
          long id = Native.channelOf(pointer, type, publication.address(), publication.version());
          Native.channelOpen(pointer, id, roles, end);
        });
    return end;
  }

  @Override
  public ByteBuffer openChannel(long id, int roles) {
    ByteBuffer end = newEnd();
    state.run(pointer -> Native.channelOpen(pointer, id, roles, end));
    return end;
  }

  @Override
  public void publishChannel(ByteBuffer end, byte[] name) {
    state.run(pointer -> Native.channelPublish(pointer, end, name));
  }

  @Override
  public void closeChannel(ByteBuffer end) {
    state.run(pointer -> Native.channelClose(pointer, end));
  }

  @Override
  public long channelId(ByteBuffer end) {
    return end.getLong(CHANNEL_ID);
  }

  @Override
  public int sendMessages(ByteBuffer end, ByteBuffer messages, int count) {
    return state.call(pointer -> Native.channelSend(pointer, end, messages, count));
  }

  @Override
  public int receiveMessages(ByteBuffer end, ByteBuffer messages, int count) {
    return state.call(pointer -> Native.channelReceive(pointer, end, messages, count));
  }

  @Override
  public boolean isChannelReady(ByteBuffer end, int role) {
    return state.call(pointer -> Native.channelReady(pointer, end, role));
  }

  @Override
  public long channelEvent(long id, int role) {
    return state.call(pointer -> Native.channelEvent(pointer, id, role));
  }

  @Override
  public int channelPeers(long id, int role) {
    return state.call(pointer -> Native.channelPeers(pointer, id, role));
  }

  @Override
  public long begin() {
    return state.call(Native::waitBegin);
  }

  @Override
  public CompletableFuture<Void> changed(long address, int value, long since) {
    return state.changed(address, value, since);
  }

  @Override
  public void sleep(long address, int value, long nanoseconds) {
    state.run(pointer -> Native.awaitChange(address, value, nanoseconds));
  }

  @Override
  public void wake(long address) {
    state.run(pointer -> Native.wakeAll(address));
  }
}
