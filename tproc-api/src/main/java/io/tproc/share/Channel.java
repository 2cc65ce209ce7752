package io.tproc.share;

import io.tproc.spi.SharedMemory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * An end of a bounded queue between this JVM and programs ({@code struct tproc_channel}), made by
 * {@link Channels}. A message has up to 48 bytes, and may have a block of the shared heap with it,
 * whose ownership moves with the message. First in, first out.
 *
 * <p>A channel is there as long as an end of it is open. With the last receiver (closed, or its
 * process ended) sending ends, with the last sender receiving, once the channel is empty: then the
 * methods throw {@link SharedMemoryException} with EPIPE. As long as there has been no peer yet,
 * they wait. A program that is killed at any instruction keeps no other waiting, and tears no
 * message.
 *
 * <p>All methods are thread-safe; of this JVM's threads one sends, and one receives, at a time.
 * Virtual threads give their carrier free while they wait. An end that is forgotten stays open
 * until the host is closed.
 */
public final class Channel implements AutoCloseable {
  /** Most bytes of a message. */
  public static final int MESSAGE_MAX = 48;

  /** Most messages of a channel. */
  public static final int CELLS_MAX = 1 << 20;

  /** What an end is for. */
  public enum Role {
    /** It sends. */
    SENDER(1),
    /** It receives. */
    RECEIVER(2);

    private final int bit;

    Role(int bit) {
      this.bit = bit;
    }
  }

  // struct tproc_message of tproc.h.
  private static final int SIZE = 64;
  private static final int LENGTH = 8;
  private static final int DATA = 16;

  /** Messages that one call of native code passes. */
  private static final int BATCH = 64;

  private final SharedMemory memory;
  private final ByteBuffer handle;
  private final long id;
  private final int roles;
  private final Looks beforeSending = new Looks();
  private final Looks beforeReceiving = new Looks();
  private final ReentrantLock sending = new ReentrantLock();
  private final ReentrantLock receiving = new ReentrantLock();
  private final ByteBuffer out = messages(); // guarded by sending
  private final ByteBuffer in = messages(); // guarded by receiving
  private boolean closed; // written with both locks held

  Channel(SharedMemory memory, ByteBuffer handle, Set<Role> roles) {
    this.memory = memory;
    this.handle = handle;
    this.id = memory.channelId(handle);
    this.roles = bits(roles);
  }

  static int bits(Set<Role> roles) {
    return roles.stream().mapToInt(role -> role.bit).sum();
  }

  private static ByteBuffer messages() {
    return ByteBuffer.allocateDirect(BATCH * SIZE).order(ByteOrder.nativeOrder());
  }

  /**
   * Publishes the channel, for {@link Channels#open(String, Set, Duration)} and {@code
   * tproc_channel_open}. The name stays when this end is closed, for other ends may be open: {@link
   * Registry#withdraw} takes it back.
   *
   * @param name 1 to 95 bytes
   * @return what has been published
   * @throws IllegalArgumentException when the name is empty, too long, or has a NUL
   * @throws SharedMemoryException as {@link Registry#publish(String, String, SharedBlock)}
   */
  public Registration publish(String name) {
    checkOpen();
    byte[] named = Registry.named(name);
    memory.publishChannel(handle, named);
    return memory.lookup(named).orElseThrow();
  }

  /**
   * The channel's id, by which a program that is told it opens an end of it: {@code
   * tproc_channel_open_id}.
   *
   * @return the id, which no other channel of the host ever has
   */
  public long id() {
    return id;
  }

  /**
   * How many ends there are with a role, this one included.
   *
   * @param role which
   * @return their number
   */
  public int peers(Role role) {
    checkOpen();
    return memory.channelPeers(id, role.bit);
  }

  // ---- sending

  /**
   * Sends a message, and waits until there is room.
   *
   * @param data up to 48 bytes, from its position to its limit; they are not changed
   * @throws SharedMemoryException with EPIPE: there is no receiver any more
   * @throws InterruptedException when the thread is interrupted while it waits
   */
  public void send(ByteBuffer data) throws InterruptedException {
    send(data, (SharedBlock) null, Waiting.FOR_EVER);
  }

  /**
   * Sends a message with a block, and waits until there is room. The block is the channel's then,
   * and afterwards the receiver's; from here on its object is as one that is closed.
   *
   * @param data up to 48 bytes, from its position to its limit; they are not changed
   * @param block what goes with it. After an exception it is this JVM's still; segments of it end
   *     in any case
   * @throws SharedMemoryException with EPIPE: there is no receiver any more
   * @throws InterruptedException when the thread is interrupted while it waits
   */
  public void send(ByteBuffer data, SharedBlock block) throws InterruptedException {
    send(data, Objects.requireNonNull(block, "block"), Waiting.FOR_EVER);
  }

  /**
   * Sends a message.
   *
   * @param data up to 48 bytes, from its position to its limit; they are not changed
   * @param timeout how long it may wait for room
   * @return false when the time is over
   * @throws SharedMemoryException with EPIPE: there is no receiver any more
   * @throws InterruptedException when the thread is interrupted while it waits
   */
  public boolean send(ByteBuffer data, Duration timeout) throws InterruptedException {
    return send(data, null, Waiting.deadline(timeout));
  }

  /**
   * Sends a message with a block.
   *
   * @param data up to 48 bytes, from its position to its limit; they are not changed
   * @param block what goes with it. When the time is over, and after an exception, it is this JVM's
   *     still; segments of it end in any case
   * @param timeout how long it may wait for room
   * @return false when the time is over
   * @throws SharedMemoryException with EPIPE: there is no receiver any more
   * @throws InterruptedException when the thread is interrupted while it waits
   */
  public boolean send(ByteBuffer data, SharedBlock block, Duration timeout)
      throws InterruptedException {
    return send(data, Objects.requireNonNull(block, "block"), Waiting.deadline(timeout));
  }

  /**
   * Sends a message, if there is room.
   *
   * @param data up to 48 bytes, from its position to its limit; they are not changed
   * @return whether there was
   * @throws SharedMemoryException with EPIPE: there is no receiver any more
   */
  public boolean trySend(ByteBuffer data) {
    return sendNow(data, null);
  }

  /**
   * Sends a message with a block, if there is room.
   *
   * @param data up to 48 bytes, from its position to its limit; they are not changed
   * @param block what goes with it. When there is no room, it is this JVM's still; segments of it
   *     end in any case
   * @return whether there was
   * @throws SharedMemoryException with EPIPE: there is no receiver any more
   */
  public boolean trySend(ByteBuffer data, SharedBlock block) {
    return sendNow(data, Objects.requireNonNull(block, "block"));
  }

  /**
   * Sends several messages, and waits for room whenever there is none. Others' messages may come
   * between them.
   *
   * @param messages each of up to 48 bytes, as of {@link #send(ByteBuffer)}
   * @throws SharedMemoryException with EPIPE: there is no receiver any more, and of these messages
   *     some may have been sent
   * @throws InterruptedException when the thread is interrupted while it waits; some may have been
   *     sent
   */
  public void sendBatch(List<ByteBuffer> messages) throws InterruptedException {
    sendBatch(messages, Waiting.FOR_EVER);
  }

  /**
   * Sends several messages, and waits for room whenever there is none. Others' messages may come
   * between them.
   *
   * @param messages each of up to 48 bytes, as of {@link #send(ByteBuffer)}
   * @param timeout how long all of it may take
   * @return how many of them, from the first on, were sent until the time was over
   * @throws SharedMemoryException with EPIPE: there is no receiver any more, and of these messages
   *     some may have been sent
   * @throws InterruptedException when the thread is interrupted while it waits; some may have been
   *     sent
   */
  public int sendBatch(List<ByteBuffer> messages, Duration timeout) throws InterruptedException {
    return sendBatch(messages, Waiting.deadline(timeout));
  }

  private int sendBatch(List<ByteBuffer> messages, long deadline) throws InterruptedException {
    messages.forEach(Channel::checkLength);
    int sent = 0;
    while (sent < messages.size()) {
      List<ByteBuffer> rest = messages.subList(sent, Math.min(sent + BATCH, messages.size()));
      Optional<Integer> more = await(Role.SENDER, deadline, () -> positive(sendNow(rest)));
      if (more.isEmpty()) {
        break;
      }
      sent += more.get();
    }
    return sent;
  }

  private boolean send(ByteBuffer data, @Nullable SharedBlock block, long deadline)
      throws InterruptedException {
    return await(
            Role.SENDER,
            deadline,
            () -> sendNow(data, block) ? Optional.of(true) : Optional.<Boolean>empty())
        .isPresent();
  }

  private boolean sendNow(ByteBuffer data, @Nullable SharedBlock block) {
    checkLength(data);
    return block == null ? sendNow(data, 0) : block.leave(address -> sendNow(data, address));
  }

  private boolean sendNow(ByteBuffer data, long block) {
    sending.lock();
    try {
      checkOpen();
      pack(0, data, block);
      return memory.sendMessages(handle, out, 1) == 1;
    } finally {
      sending.unlock();
    }
  }

  private int sendNow(List<ByteBuffer> messages) {
    sending.lock();
    try {
      checkOpen();
      for (int i = 0; i < messages.size(); i++) {
        pack(i, messages.get(i), 0);
      }
      return memory.sendMessages(handle, out, messages.size());
    } finally {
      sending.unlock();
    }
  }

  private static void checkLength(ByteBuffer data) {
    if (data.remaining() > MESSAGE_MAX) {
      throw new IllegalArgumentException(
          "a message of " + data.remaining() + " bytes; at most " + MESSAGE_MAX);
    }
  }

  private void pack(int index, ByteBuffer data, long block) {
    int at = index * SIZE;
    out.putLong(at, block);
    out.putInt(at + LENGTH, data.remaining());
    out.put(at + DATA, data, data.position(), data.remaining());
  }

  // ---- receiving

  /**
   * Receives a message, and waits until there is one.
   *
   * @return the message
   * @throws SharedMemoryException with EPIPE: nothing is there, and no sender any more; EBADMSG:
   *     the message's block was freed by a program that did not own it, and the message is gone
   * @throws InterruptedException when the thread is interrupted while it waits
   */
  public ChannelMessage receive() throws InterruptedException {
    return await(Role.RECEIVER, Waiting.FOR_EVER, this::tryReceive).orElseThrow();
  }

  /**
   * Receives a message.
   *
   * @param timeout how long it may wait for one
   * @return the message; empty when the time is over
   * @throws SharedMemoryException as {@link #receive()}
   * @throws InterruptedException when the thread is interrupted while it waits
   */
  public Optional<ChannelMessage> receive(Duration timeout) throws InterruptedException {
    return await(Role.RECEIVER, Waiting.deadline(timeout), this::tryReceive);
  }

  /**
   * Receives a message, if there is one.
   *
   * @return the message; empty when there is none
   * @throws SharedMemoryException as {@link #receive()}
   */
  public Optional<ChannelMessage> tryReceive() {
    List<ChannelMessage> one = receiveNow(1);
    return one.isEmpty() ? Optional.empty() : Optional.of(one.get(0));
  }

  /**
   * Receives as many messages as there are, and waits until that is at least one.
   *
   * @param most how many it may be, at least 1
   * @return 1 to {@code most} messages
   * @throws SharedMemoryException as {@link #receive()}
   * @throws InterruptedException when the thread is interrupted while it waits
   */
  public List<ChannelMessage> receiveBatch(int most) throws InterruptedException {
    return receiveBatch(most, Waiting.FOR_EVER).orElseThrow();
  }

  /**
   * Receives as many messages as there are, and waits until that is at least one.
   *
   * @param most how many it may be, at least 1
   * @param timeout how long it may wait
   * @return up to {@code most} messages; empty when the time is over
   * @throws SharedMemoryException as {@link #receive()}
   * @throws InterruptedException when the thread is interrupted while it waits
   */
  public List<ChannelMessage> receiveBatch(int most, Duration timeout) throws InterruptedException {
    return receiveBatch(most, Waiting.deadline(timeout)).orElse(List.of());
  }

  private Optional<List<ChannelMessage>> receiveBatch(int most, long deadline)
      throws InterruptedException {
    if (most < 1) {
      throw new IllegalArgumentException("a batch of " + most);
    }
    int count = Math.min(most, BATCH);
    return await(Role.RECEIVER, deadline, () -> filled(receiveNow(count)));
  }

  private List<ChannelMessage> receiveNow(int most) {
    receiving.lock();
    try {
      checkOpen();
      int count = memory.receiveMessages(handle, in, most);
      List<ChannelMessage> received = new ArrayList<>(count);
      for (int i = 0; i < count; i++) {
        received.add(unpack(i));
      }
      return received;
    } finally {
      receiving.unlock();
    }
  }

  private ChannelMessage unpack(int index) {
    int at = index * SIZE;
    byte[] data = new byte[in.getInt(at + LENGTH)];
    in.get(at + DATA, data);
    long block = in.getLong(at);
    return new ChannelMessage(
        ByteBuffer.wrap(data).order(ByteOrder.nativeOrder()),
        block == 0 ? null : new SharedBlock(memory, block, memory.usableSize(block)));
  }

  // ---- waiting

  private static Optional<Integer> positive(int number) {
    return number > 0 ? Optional.of(number) : Optional.empty();
  }

  private static <T> Optional<List<T>> filled(List<T> list) {
    return list.isEmpty() ? Optional.empty() : Optional.of(list);
  }

  /** Empty when the deadline has passed. */
  private <T> Optional<T> await(Role role, long deadline, Supplier<Optional<T>> attempt)
      throws InterruptedException {
    Optional<T> result = attempt.get();
    if (result.isPresent()) {
      return result;
    }
    Looks looks = role == Role.SENDER ? beforeSending : beforeReceiving;
    int often = looks.begin();
    for (int i = 0; i < often && result.isEmpty(); i++) {
      Thread.onSpinWait();
      result = attempt.get();
    }
    looks.end(often, result.isPresent());
    return result.isPresent() ? result : sleepAndAttempt(role, deadline, attempt);
  }

  private <T> Optional<T> sleepAndAttempt(Role role, long deadline, Supplier<Optional<T>> attempt)
      throws InterruptedException {
    long event = memory.channelEvent(id, role.bit);
    long nativeDeadline = Waiting.nativeDeadline(deadline);
    while (true) {
      long since = memory.begin();
      int key = memory.prepare(event);
      Optional<T> result = attempt.get();
      if (result.isPresent()
          || !Waiting.sleep(memory, event, key, nativeDeadline)
              && !Waiting.await(memory, event, memory.changed(event, key, since), deadline)) {
        return result;
      }
    }
  }

  /**
   * Waits until one of several channels has a message, or has lost its last sender. Another thread
   * may be quicker: {@link #tryReceive} decides.
   *
   * @param channels of one host, each open to receive; at least one
   * @param timeout how long it may wait
   * @return the first of them that is ready; empty when the time is over
   * @throws InterruptedException when the thread is interrupted while it waits
   */
  public static Optional<Channel> select(List<Channel> channels, Duration timeout)
      throws InterruptedException {
    if (channels.isEmpty()) {
      throw new IllegalArgumentException("no channel");
    }
    List<Selection> ends =
        channels.stream().map(each -> new Selection(each, Role.RECEIVER)).toList();
    return selectReady(ends, timeout).stream().map(Selection::channel).findFirst();
  }

  /**
   * An end that is waited for.
   *
   * @param channel which has the role
   * @param role {@link Role#RECEIVER}: until there is a message, or no sender any more; {@link
   *     Role#SENDER}: until there is room, or no receiver any more
   */
  public record Selection(Channel channel, Role role) {
    /** Refuses null. */
    public Selection {
      Objects.requireNonNull(channel, "channel");
      Objects.requireNonNull(role, "role");
    }

    private long event() {
      return channel.memory.channelEvent(channel.id, role.bit);
    }

    private boolean isReady() {
      return channel.isReady(role);
    }
  }

  /**
   * Waits until one of several ends is ready. Another thread may be quicker: {@link #tryReceive}
   * and {@link #trySend(ByteBuffer)} decide.
   *
   * @param ends of one host; at least one
   * @param timeout how long it may wait
   * @return those that are ready, in their order; empty when the time is over
   * @throws InterruptedException when the thread is interrupted while it waits
   */
  public static List<Selection> selectReady(List<Selection> ends, Duration timeout)
      throws InterruptedException {
    if (ends.isEmpty()) {
      throw new IllegalArgumentException("no channel");
    }
    long deadline = Waiting.deadline(timeout);
    SharedMemory memory = ends.get(0).channel.memory;
    while (true) {
      long since = memory.begin();
      List<Long> events = ends.stream().map(Selection::event).toList();
      List<Integer> keys = events.stream().map(memory::prepare).toList();
      List<Selection> ready = ends.stream().filter(Selection::isReady).toList();
      if (!ready.isEmpty() || !awaitAny(memory, events, keys, since, deadline)) {
        return ready;
      }
    }
  }

  private boolean isReady(Role role) {
    ReentrantLock lock = role == Role.SENDER ? sending : receiving;
    lock.lock();
    try {
      checkOpen();
      return memory.isChannelReady(handle, role.bit);
    } finally {
      lock.unlock();
    }
  }

  private static boolean awaitAny(
      SharedMemory memory, List<Long> events, List<Integer> keys, long since, long deadline)
      throws InterruptedException {
    List<CompletableFuture<Void>> changes = new ArrayList<>();
    for (int i = 0; i < events.size(); i++) {
      changes.add(memory.changed(events.get(i), keys.get(i), since));
    }
    try {
      return Waiting.await(changes, deadline);
    } finally {
      changes.forEach(each -> each.cancel(false));
    }
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("the channel is closed");
    }
  }

  /**
   * Closes this end. Threads that wait in it get {@link IllegalStateException}. With the last end
   * of a channel go the messages in it, and their blocks are freed. Calls after the first do
   * nothing.
   */
  @Override
  public void close() {
    sending.lock();
    receiving.lock();
    try {
      if (!closed) {
        closed = true;
        memory.closeChannel(handle);
      }
    } finally {
      receiving.unlock();
      sending.unlock();
    }
  }
}
