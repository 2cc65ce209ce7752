package io.tproc.it;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.tproc.Errno;
import io.tproc.ExitStatus.Signalled;
import io.tproc.TprocHost;
import io.tproc.share.Channel;
import io.tproc.share.Channel.Role;
import io.tproc.share.Channel.Selection;
import io.tproc.share.ChannelMessage;
import io.tproc.share.Registration;
import io.tproc.share.SharedArena;
import io.tproc.share.SharedBarrier;
import io.tproc.share.SharedBlock;
import io.tproc.share.SharedCondition;
import io.tproc.share.SharedEvent;
import io.tproc.share.SharedMemoryException;
import io.tproc.share.SharedMutex;
import io.tproc.share.SharedOnce;
import io.tproc.share.SharedSemaphore;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;

/** The conformance program of Java, in the host: conformance.c says what it does. */
final class JavaConformance implements AutoCloseable {
  private static final Duration SOON = Duration.ofMillis(10);
  private static final int SIGKILL = 9;
  private static final int VALUE = 8;
  private static final int PARTIES = 2;

  private final TprocHost host;
  private final String prefix;
  private final List<String> lines = new ArrayList<>();
  private final List<AutoCloseable> open = new ArrayList<>();
  private volatile String step = "";

  // Of a run.
  private @Nullable Channel output;
  private @Nullable Channel input;

  JavaConformance(TprocHost host, String prefix) {
    this.host = host;
    this.prefix = prefix;
  }

  /** What the other programs print. */
  List<String> lines() {
    return lines;
  }

  /** The step that it is at, or has failed in. */
  String step() {
    return step;
  }

  /** All that it has opened, and allocated: as when a program ends. */
  @Override
  public void close() throws Exception {
    for (int i = open.size() - 1; i >= 0; i--) {
      open.get(i).close();
    }
  }

  private <T extends AutoCloseable> T opened(T what) {
    open.add(what);
    return what;
  }

  private void begin(String next) {
    if (!step.isEmpty()) {
      lines.add("ok " + step);
    }
    step = next;
  }

  private String name(String of) {
    return prefix + "." + of;
  }

  private static long ownPid() {
    return ProcessHandle.current().pid();
  }

  private static Duration patience() {
    return Patience.seconds(30);
  }

  // ---- talking

  private Channel output() {
    return requireNonNull(output);
  }

  private Channel input() {
    return requireNonNull(input);
  }

  private static ByteBuffer bytes(String text) {
    return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
  }

  private void tell(String text) throws InterruptedException {
    output().send(bytes(text));
  }

  private void tell(long number) throws InterruptedException {
    tell(Long.toUnsignedString(number));
  }

  private ChannelMessage receive() throws InterruptedException {
    return input().receive(patience()).orElseThrow();
  }

  private static String text(ChannelMessage message) {
    return StandardCharsets.UTF_8.decode(message.data()).toString();
  }

  private Optional<SharedBlock> hear(String text) throws InterruptedException {
    ChannelMessage message = receive();
    assertThat(text(message)).isEqualTo(text);
    return message.block();
  }

  private long hearNumber() throws InterruptedException {
    return Long.parseUnsignedLong(text(receive()));
  }

  private SharedBlock zeroed(long size) {
    SharedBlock block = host.heap().allocate(size);
    block.buffer().put(new byte[(int) size]);
    return block;
  }

  // ---- the objects

  private interface Place {
    long of(String name, String type, int size) throws Exception;
  }

  private final class Objects {
    private final SharedMutex mutex;
    private final ByteBuffer guarded;
    private final SharedCondition condition;
    private final SharedEvent event;
    private final SharedSemaphore semaphore;
    private final SharedBarrier barrier;
    private final SharedOnce once;

    Objects(Place place) throws Exception {
      long address = place.of("mutex", "it.Mutex/1", 16);
      mutex = host.heap().mutex(address);
      guarded = host.view(address, 16);
      condition =
          host.heap().condition(place.of("condition", "it.Condition/1", SharedCondition.SIZE));
      event = host.heap().event(place.of("event", "it.Event/1", SharedEvent.SIZE));
      semaphore =
          host.heap().semaphore(place.of("semaphore", "it.Semaphore/1", SharedSemaphore.SIZE));
      barrier = host.heap().barrier(place.of("barrier", "it.Barrier/1", SharedBarrier.SIZE));
      once = host.heap().once(place.of("once", "it.Once/1", SharedOnce.SIZE));
    }

    boolean has(long value) {
      try (SharedMutex.Held held = mutex.lock()) {
        assertThat(held.ownerDied()).isFalse();
        return guarded.getLong(VALUE) == value;
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }

    void set(long value) throws InterruptedException {
      try (SharedMutex.Held held = mutex.lock()) {
        assertThat(held.ownerDied()).isFalse();
        guarded.putLong(VALUE, value);
      }
    }

    void awaitCondition(SharedMutex.Held held, long value) throws InterruptedException {
      while (guarded.getLong(VALUE) != value) {
        condition.await(held);
      }
    }

    void awaitEvent(long value) throws InterruptedException {
      assertThat(event.await(() -> has(value), patience())).isTrue();
    }

    int passBarrier(SharedBarrier.Party party) throws Exception {
      int last = 0;
      for (int i = 0; i < 20; i++) {
        last += party.await() ? 1 : 0;
      }
      return last;
    }
  }

  private long publishNew(String of, String type, int size) {
    SharedBlock block = opened(zeroed(size));
    publish(of, type, block, 0);
    return block.address();
  }

  private Registration publish(String of, String type, SharedBlock block, int version) {
    Registration made =
        host.registry().publish(name(of), type, block.address(), block.size(), version);
    open.add(() -> host.registry().withdraw(made));
    return made;
  }

  private long find(String of, String type, int size) throws Exception {
    Registration found = host.registry().await(name(of), type, patience());
    assertThat(found.size()).isGreaterThanOrEqualTo(size);
    return found.address();
  }

  // ---- the same wrong calls

  private static int codeOf(ThrowingCallable call) {
    try {
      call.call();
    } catch (IllegalArgumentException refused) {
      return Errno.EINVAL;
    } catch (SharedMemoryException refused) {
      return refused.errno();
    } catch (Throwable other) {
      throw new AssertionError(other);
    }
    return 0;
  }

  private void error(String call, ThrowingCallable made) {
    lines.add("error " + call + " " + codeOf(made));
  }

  private void wrongCalls() {
    try (SharedBlock block = zeroed(8);
        SharedBlock none = zeroed(SharedBarrier.SIZE);
        SharedBlock full = zeroed(SharedSemaphore.SIZE)) {
      full.buffer().putInt(0, -1);
      error("long message", () -> output().trySend(ByteBuffer.allocate(49)));
      error("three cells", () -> host.channels().create(3, Set.of(Role.SENDER)));
      error("no channel", () -> host.channels().open(-1, Set.of(Role.SENDER)));
      error("taken name", () -> host.registry().publish(name("mutex"), "", block));
      error("other type", () -> host.registry().await(name("mutex"), "it.Other/1", patience()));
      error("long name", () -> host.registry().lookup("x".repeat(96)));
      error("no process", () -> block.giveTo(1));
      error("no block", () -> host.heap().take(block.address() + 4));
      error("too large", () -> host.heap().allocate(1L << 60));
      error("no arena", block::root);
      try (SharedArena arena = host.heap().createArena(1200)) {
        error("full arena", () -> arena.allocate(4096));
        long root = arena.allocate(16);
        error("long type", () -> arena.setRoot(root, "x".repeat(48)));
      }
      error("no party", () -> host.heap().barrier(none.address()).join());
      error("full semaphore", () -> host.heap().semaphore(full.address()).release());
    }
  }

  /** The name stays when the channel is closed. */
  private void publish(Channel channel, String of) {
    Registration made = channel.publish(name(of));
    open.add(() -> host.registry().withdraw(made));
  }

  private static void assertEnds(ThrowingCallable call) {
    assertThatExceptionOfType(SharedMemoryException.class)
        .isThrownBy(call)
        .returns(Errno.EPIPE, SharedMemoryException::errno);
  }

  // ---- the maker

  /** Makes all, and meets the user. */
  void make() throws Exception {
    begin("start");
    Objects objects = new Objects(this::publishNew);
    Registration semaphore = host.registry().lookup(name("semaphore")).orElseThrow();
    host.view(semaphore.address(), SharedSemaphore.SIZE).putInt(0, 2);
    Registration barrier = host.registry().lookup(name("barrier")).orElseThrow();
    host.view(barrier.address(), SharedBarrier.SIZE).putInt(0, PARTIES);
    Registration entry = publish("entry", "it.Entry/1", opened(zeroed(128)), 7);
    output = opened(host.channels().create(16, Set.of(Role.SENDER)));
    input = opened(host.channels().create(16, Set.of(Role.RECEIVER)));
    publish(output(), "there");
    publish(input(), "back");
    long peer = hearNumber();
    tell(ownPid());
    makeMessages();
    makeArena();
    makeGift(peer);
    makeRegistry(entry);
    makeLocks(objects);
    makeChannels();
    begin("errors");
    wrongCalls();
    makeDeath(objects);
    begin("end");
  }

  private void makeMessages() throws Exception {
    begin("inline");
    ByteBuffer bytes = ByteBuffer.allocate(Channel.MESSAGE_MAX);
    for (int i = 0; i < bytes.capacity(); i++) {
      bytes.put(i, (byte) i);
    }
    output().send(bytes);
    ChannelMessage back = receive();
    assertThat(back.block()).isEmpty();
    assertThat(back.data()).isEqualTo(reversed(bytes));
    tell("");

    begin("block");
    SharedBlock block = host.heap().allocate(1000);
    long address = block.address();
    for (int i = 0; i < 1000; i++) {
      block.buffer().put(i, (byte) (i % 251));
    }
    output().send(bytes("block"), block);
    try (SharedBlock changed = hear("changed").orElseThrow()) {
      assertThat(changed.address()).isEqualTo(address);
      assertThat(host.heap().ownerOf(address)).hasValue(ownPid());
      for (int i = 0; i < 1000; i++) {
        assertThat(changed.buffer().get(i)).isEqualTo((byte) (i % 251 + 1));
      }
    }
    try (SharedBlock own = hear("own").orElseThrow()) {
      assertThat(own.size()).isGreaterThanOrEqualTo(5000);
      assertThat(own.buffer().get(4999)).isEqualTo((byte) 9);
    }

    begin("free");
    address = zeroed(64).address();
    tell(address);
    hear("freed");
    assertThat(host.heap().ownerOf(address)).isEmpty();
  }

  // What arenas have in all languages: a list of three; each has a value, and the address of the
  // next.

  private long addNode(SharedArena arena, long value, long next) {
    long address = arena.allocate(2 * Long.BYTES);
    host.view(address, 2 * Long.BYTES).putLong(0, value).putLong(Long.BYTES, next);
    return address;
  }

  private List<Long> values(long first) {
    List<Long> found = new ArrayList<>();
    for (long at = first; at != 0; at = host.view(at, 2 * Long.BYTES).getLong(Long.BYTES)) {
      found.add(host.view(at, Long.BYTES).getLong(0));
    }
    return found;
  }

  private void makeArena() throws Exception {
    begin("arena");
    SharedArena arena = host.heap().createArena(4096);
    long first = addNode(arena, 4, addNode(arena, 3, 0));
    long used = arena.used();
    arena.free(arena.allocate(100, 1), 100);
    assertThat(arena.used()).isEqualTo(used);
    arena.setRoot(first, "it.Node/1");
    output().send(bytes("arena"), arena.block());
    try (SharedBlock grown = hear("grown").orElseThrow()) {
      assertThat(grown.root("it.Node/1")).isEqualTo(first);
      assertThat(values(first)).containsExactly(4L, 5L, 3L);
    }
  }

  private void useArena() throws Exception {
    begin("arena");
    SharedBlock block = hear("arena").orElseThrow();
    assertThat(host.heap().ownerOf(block.address())).hasValue(ownPid());
    assertThat(codeOf(() -> block.root("it.Other/1"))).isEqualTo(Errno.EPROTOTYPE);
    long first = block.root("it.Node/1");
    assertThat(block.root()).isEqualTo(first);
    assertThat(values(first)).containsExactly(4L, 3L);
    ByteBuffer node = host.view(first, 2 * Long.BYTES);
    node.putLong(Long.BYTES, addNode(block.arena(), 5, node.getLong(Long.BYTES)));
    output().send(bytes("grown"), block);
  }

  private static ByteBuffer reversed(ByteBuffer bytes) {
    ByteBuffer all = ByteBuffer.allocate(bytes.remaining());
    for (int i = 0; i < all.capacity(); i++) {
      all.put(i, bytes.get(bytes.limit() - 1 - i));
    }
    return all;
  }

  private void makeGift(long peer) throws Exception {
    begin("give");
    SharedBlock block = zeroed(64);
    long address = block.address();
    block.buffer().put(63, (byte) 5);
    block.giveTo(peer);
    tell(address);
    hear("freed");
    assertThat(host.heap().ownerOf(address)).isEmpty();
  }

  private void makeRegistry(Registration entry) throws Exception {
    begin("registry");
    hear("found");
    assertThat(host.registry().withdraw(entry)).isTrue();
    hear("gone");
  }

  private void makeLocks(Objects objects) throws Exception {
    begin("mutex");
    try (SharedMutex.Held held = objects.mutex.lock()) {
      assertThat(held.ownerDied()).isFalse();
      tell("locked");
      hear("busy");
      objects.guarded.putLong(VALUE, 41);
    }
    tell("free");
    hear("done");
    assertThat(objects.has(42)).isTrue();

    begin("condition");
    hear("waiting");
    try (SharedMutex.Held held = objects.mutex.lock()) {
      objects.guarded.putLong(VALUE, 50);
      objects.condition.signalAll();
      objects.awaitCondition(held, 51);
    }

    begin("event");
    objects.set(60);
    objects.event.signal();
    objects.awaitEvent(61);

    begin("semaphore");
    hear("taken");
    objects.semaphore.release();
    hear("got");
    assertThat(objects.semaphore.tryAcquire()).isFalse();

    begin("barrier");
    try (SharedBarrier.Party party = objects.barrier.join()) {
      assertThat(objects.passBarrier(party) + hearNumber()).isEqualTo(20);
    }

    begin("once");
    AtomicInteger calls = new AtomicInteger();
    objects.once.call(calls::incrementAndGet);
    tell("once");
    hear("not again");
    assertThat(calls).hasValue(1);
  }

  private void makeChannels() throws Exception {
    begin("batch");
    try (Channel batch = host.channels().create(4, Set.of(Role.SENDER))) {
      publish(batch, "batch");
      hear("open");
      batch.sendBatch(List.of(one(0), one(1), one(2)));
    }
    hear("three");

    begin("close");
    try (Channel shut = host.channels().create(4, Set.of(Role.SENDER))) {
      publish(shut, "shut");
      hear("shut");
      assertEnds(() -> shut.trySend(one(0)));
    }
  }

  private static ByteBuffer one(int number) {
    return ByteBuffer.wrap(new byte[] {(byte) number});
  }

  /** The user dies with the mutex, unless it is the host. */
  private void makeDeath(Objects objects) throws Exception {
    begin("death");
    if (text(receive()).equals("locked")) {
      Registration kept = host.registry().lookup(name("kept")).orElseThrow();
      open.add(() -> host.registry().withdraw(kept));
      try (SharedMutex.Held held = objects.mutex.lock()) {
        assertThat(held.ownerDied()).isTrue();
        assertThat(objects.guarded.getLong(VALUE)).isEqualTo(70);
        held.consistent();
      }
      assertThat(objects.has(70)).isTrue();
      Registration ended =
          host.registry().whenEnded(kept).get(patience().toMillis(), TimeUnit.MILLISECONDS);
      assertThat(ended.ended())
          .hasValueSatisfying(how -> assertThat(how).isInstanceOf(Signalled.class));
      assertThat(((Signalled) ended.ended().orElseThrow()).signal()).isEqualTo(SIGKILL);
    }
    assertEnds(() -> input().receive());
    assertEnds(
        () -> {
          while (true) { // one end goes after the other
            output().send(one(0));
          }
        });
  }

  // ---- the user

  /** Finds what the maker has made, and does all that there is to do with it. */
  void use() throws Exception {
    begin("start");
    input = opened(host.channels().open(name("there"), Set.of(Role.RECEIVER), patience()));
    output = opened(host.channels().open(name("back"), Set.of(Role.SENDER), patience()));
    Objects objects = new Objects(this::find);
    tell(ownPid());
    long peer = hearNumber();
    useMessages();
    useRegistry(peer);
    useLocks(objects);
    useChannels();
    begin("errors");
    wrongCalls();
    begin("death");
    tell("the host does not die");
    begin("end");
  }

  private void useMessages() throws Exception {
    begin("inline");
    ByteBuffer sent = receive().data();
    assertThat(sent.remaining()).isEqualTo(Channel.MESSAGE_MAX);
    output().send(reversed(sent));
    hear("");

    begin("block");
    SharedBlock block = hear("block").orElseThrow();
    assertThat(host.heap().ownerOf(block.address())).hasValue(ownPid());
    for (int i = 0; i < 1000; i++) {
      block.buffer().put(i, (byte) (block.buffer().get(i) + 1));
    }
    output().send(bytes("changed"), block);
    SharedBlock own = zeroed(5000);
    own.buffer().put(4999, (byte) 9);
    output().send(bytes("own"), own);

    begin("free");
    host.heap().free(hearNumber());
    tell("freed");

    useArena();

    begin("give");
    long address = hearNumber();
    assertThat(host.heap().ownerOf(address)).isEqualTo(OptionalLong.of(ownPid()));
    try (SharedBlock given = host.heap().take(address)) {
      assertThat(given.buffer().get(63)).isEqualTo((byte) 5);
    }
    tell("freed");
  }

  private void useRegistry(long peer) throws Exception {
    begin("registry");
    Registration found = host.registry().await(name("entry"), "it.Entry/1", patience());
    assertThat(found.version()).isEqualTo(7);
    assertThat(found.size()).isEqualTo(128);
    assertThat(found.pid()).isEqualTo(peer);
    assertThat(found.ended()).isEmpty();
    assertThat(codeOf(() -> host.registry().await(name("entry"), "it.Other/1", patience())))
        .isEqualTo(Errno.EPROTOTYPE);
    assertThat(host.registry().lookup(name("entry"))).hasValue(found);
    assertThatExceptionOfType(TimeoutException.class)
        .isThrownBy(
            () -> host.registry().whenEnded(found).get(SOON.toMillis(), TimeUnit.MILLISECONDS));
    tell("found");
    host.registry().whenEnded(found).get(patience().toMillis(), TimeUnit.MILLISECONDS);
    assertThat(host.registry().lookup(name("entry"))).isEmpty();
    tell("gone");
  }

  private void useLocks(Objects objects) throws Exception {
    begin("mutex");
    hear("locked");
    assertThat(objects.mutex.tryLock()).isEmpty();
    assertThat(objects.mutex.tryLock(SOON)).isEmpty();
    tell("busy");
    hear("free");
    assertThat(objects.has(41)).isTrue();
    objects.set(42);
    tell("done");

    begin("condition");
    try (SharedMutex.Held held = objects.mutex.lock()) {
      tell("waiting");
      objects.awaitCondition(held, 50);
      objects.guarded.putLong(VALUE, 51);
      objects.condition.signalAll();
    }

    begin("event");
    objects.awaitEvent(60);
    objects.set(61);
    objects.event.signal();

    begin("semaphore");
    objects.semaphore.acquire();
    assertThat(objects.semaphore.tryAcquire()).isTrue();
    assertThat(objects.semaphore.tryAcquire()).isFalse();
    assertThat(objects.semaphore.tryAcquire(SOON)).isFalse();
    tell("taken");
    objects.semaphore.acquire();
    tell("got");

    begin("barrier");
    try (SharedBarrier.Party party = objects.barrier.join()) {
      tell(objects.passBarrier(party));
    }

    begin("once");
    AtomicInteger calls = new AtomicInteger();
    hear("once");
    objects.once.call(calls::incrementAndGet);
    assertThat(calls).hasValue(0);
    tell("not again");
  }

  private void useChannels() throws Exception {
    begin("batch");
    Set<Role> receiver = Set.of(Role.RECEIVER);
    try (Channel batch = host.channels().open(name("batch"), receiver, patience())) {
      tell("open");
      List<Selection> ends = List.of(new Selection(batch, Role.RECEIVER));
      List<ChannelMessage> messages = new ArrayList<>();
      while (messages.size() < 3) {
        assertThat(Channel.selectReady(ends, patience())).isEqualTo(ends);
        messages.addAll(batch.receiveBatch(8));
      }
      assertThat(messages.stream().map(message -> (int) message.data().get(0)))
          .containsExactly(0, 1, 2);
      assertEnds(batch::receive);
    }
    tell("three");

    begin("close");
    try (Channel shut = host.channels().open(name("shut"), receiver, patience())) {
      assertThat(shut.tryReceive()).isEmpty();
    }
    tell("shut");
  }
}
