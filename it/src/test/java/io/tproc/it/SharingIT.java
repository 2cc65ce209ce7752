package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tproc.Errno;
import io.tproc.ExitStatus.Exited;
import io.tproc.ExitStatus.Signalled;
import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import io.tproc.share.Channel;
import io.tproc.share.Channel.Role;
import io.tproc.share.ChannelMessage;
import io.tproc.share.HeapUsage;
import io.tproc.share.Registration;
import io.tproc.share.SharedBarrier;
import io.tproc.share.SharedBlock;
import io.tproc.share.SharedCondition;
import io.tproc.share.SharedMemoryException;
import io.tproc.share.SharedMutex;
import io.tproc.share.SharedSemaphore;
import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The shared heap, the registry and the locks, between Java and programs with libtproc. */
@ExtendWith(HostExtension.class)
class SharingIT {
  /** What {@code sharing.c} has in its struct block. */
  private static final String TYPE = "it.Block/1";

  private static final int SEMAPHORE = 8;
  private static final int COUNTERS = 16;
  private static final int TEXT = 32;
  private static final int SIZE = 96;

  /**
   * What {@code sharing_objects send-arenas} says of each: at 1 to 100,000 nodes, and at its end.
   */
  private static final int LINES_OF_A_GRAPH = 7;

  private static final AtomicInteger NAMES = new AtomicInteger();

  private static String newName() {
    return "it.sharing." + NAMES.incrementAndGet();
  }

  private static ThreadProc start(TprocHost host, String... what) throws IOException {
    String[] command = new String[what.length + 1];
    command[0] = Programs.probe("sharing");
    System.arraycopy(what, 0, command, 1, what.length);
    return host.command(command).start();
  }

  private static void run(TprocHost host, String... what) throws Exception {
    try (ThreadProc program = start(host, what)) {
      assertThat(program.waitForExit()).isEqualTo(new Exited(0));
    }
  }

  private static SharedBlock published(TprocHost host, String name) {
    SharedBlock block = host.heap().allocate(SIZE);
    block.buffer().put(new byte[SIZE]);
    host.registry().publish(name, TYPE, block);
    return block;
  }

  private static Duration patience() {
    return Patience.seconds(30);
  }

  private static String text(ByteBuffer block) {
    byte[] bytes = new byte[64];
    block.position(TEXT).get(bytes);
    return new String(bytes, StandardCharsets.UTF_8).replaceAll("\0.*", "");
  }

  @Test
  void programReadsAndFreesWhatJavaHasAllocated(TprocHost host) throws Exception {
    String name = newName();
    SharedBlock block = published(host, name);
    block.buffer().position(TEXT).put("of Java".getBytes(StandardCharsets.UTF_8));
    long address = block.address();
    assertThat(Outcome.hosted(host, Programs.probe("sharing"), "print", name).output())
        .isEqualTo("of Java\n");
    run(host, "free", name);

    assertThat(host.heap().ownerOf(address)).isEmpty();
    assertThat(host.heap().usableSize(address)).isEmpty();
    assertThatExceptionOfType(SharedMemoryException.class)
        .isThrownBy(block::close)
        .returns(Errno.EINVAL, SharedMemoryException::errno)
        .withMessageContaining("no allocated block of the shared heap begins here");
  }

  @Test
  void whatIsTakenFromAProgramOutlivesIt(TprocHost host) throws Exception {
    String name = newName();
    SharedBlock taken;
    try (ThreadProc program = start(host, "publish", name)) {
      Registration found = host.registry().await(name, TYPE, patience());
      assertThat(found.pid()).isEqualTo(program.pid());
      assertThat(found.version()).isEqualTo(7);
      assertThat(found.size()).isEqualTo(SIZE);
      assertThat(host.heap().ownerOf(found.address())).hasValue(program.pid());
      taken = host.heap().take(found.address());
      program.destroyForcibly().waitFor();
    }
    assertThat(text(taken.buffer())).isEqualTo("of the program");
    assertThat(taken.size()).isGreaterThanOrEqualTo(SIZE);
    long address = taken.address();
    taken.close();
    taken.close();
    assertThat(host.heap().ownerOf(address)).isEmpty();
    assertThatIllegalStateException().isThrownBy(taken::buffer);
  }

  @Test
  void whatIsGivenToAProgramEndsWithIt(TprocHost host) throws Exception {
    SharedBlock block = host.heap().allocate(1000);
    long address = block.address();
    try (ThreadProc program = start(host, "idle", "nothing")) {
      block.giveTo(program);
      assertThat(host.heap().ownerOf(address)).hasValue(program.pid());
      assertThatIllegalStateException().isThrownBy(block::address);
      block.close();
      assertThat(host.heap().ownerOf(address)).hasValue(program.pid());
      program.destroyForcibly().waitFor();
      SharedBlock other = host.heap().allocate(10);
      assertThatExceptionOfType(SharedMemoryException.class)
          .isThrownBy(() -> other.giveTo(program))
          .returns(Errno.ESRCH, SharedMemoryException::errno);
      other.close();
    }
    assertThat(host.heap().ownerOf(address)).isEmpty();
  }

  @Test
  void segmentThrowsWhenItsBlockIsFreed(TprocHost host) throws Exception {
    assumeTrue(Runtime.version().feature() >= 22, "skipped: MemorySegment is of Java 22");
    SharedBlock block = host.heap().allocate(100);
    Method method = SharedBlock.class.getMethod("segment");
    method.setAccessible(true); // the class that declares it is not public; only reflection minds
    Object segment = method.invoke(block);
    Class<?> type = Class.forName("java.lang.foreign.MemorySegment");
    ByteBuffer view = (ByteBuffer) type.getMethod("asByteBuffer").invoke(segment);
    view.put(99, (byte) 5);
    assertThat(block.buffer().get(99)).isEqualTo((byte) 5);
    assertThat(view.capacity()).isEqualTo(100);
    block.close();
    assertThatIllegalStateException().isThrownBy(() -> view.get(99));
  }

  @Test
  void allocationRefusesWhatMakesNoSense(TprocHost host) {
    assertThatIllegalArgumentException().isThrownBy(() -> host.heap().allocate(-1));
    assertThatIllegalArgumentException().isThrownBy(() -> host.heap().allocate(1, 24));
    assertThatExceptionOfType(SharedMemoryException.class)
        .isThrownBy(() -> host.heap().allocate(Long.MAX_VALUE))
        .returns(Errno.ENOMEM, SharedMemoryException::errno);
    ByteBuffer foreign = ByteBuffer.allocateDirect(64);
    long address = host.addressOf(foreign);
    assertThatIllegalArgumentException().isThrownBy(() -> host.heap().mutex(address));
    assertThatExceptionOfType(SharedMemoryException.class)
        .isThrownBy(() -> host.heap().free(address))
        .returns(Errno.EINVAL, SharedMemoryException::errno);
    try (SharedBlock aligned = host.heap().allocate(1, 1 << 20)) {
      assertThat(aligned.address() % (1 << 20)).isZero();
    }
  }

  @Test
  void endOfAPublicationIsTold(TprocHost host) throws Exception {
    String gone = newName();
    String kept = newName();
    CompletableFuture<Registration> coming = host.registry().whenPublished(gone);
    assertThat(coming).isNotDone();
    try (ThreadProc first = start(host, "publish", gone);
        ThreadProc second = start(host, "keep", kept)) {
      Registration one = coming.get(patience().toSeconds(), TimeUnit.SECONDS);
      Registration two = host.registry().await(kept, TYPE, patience());
      assertThat(host.registry().registrations()).contains(one, two);
      CompletableFuture<Registration> oneEnds = host.registry().whenEnded(one);
      CompletableFuture<Registration> twoEnds = host.registry().whenEnded(two);
      first.outputWriter().close();
      second.destroyForcibly();
      assertThat(oneEnds.get().ended()).isEmpty();
      assertThat(twoEnds.get().ended()).contains(new Signalled(9, false));
      assertThat(host.registry().lookup(gone)).isEmpty();
      assertThat(host.registry().lookup(kept)).isPresent();
      assertThat(host.registry().withdraw(two)).isTrue();
      assertThat(host.registry().withdraw(two)).isFalse();
    }
  }

  @Test
  void namesAreOneLivingPublishers(TprocHost host) throws Exception {
    String name = newName();
    SharedBlock block = published(host, name);
    assertThatExceptionOfType(SharedMemoryException.class)
        .isThrownBy(() -> host.registry().publish(name, TYPE, block))
        .returns(Errno.EEXIST, SharedMemoryException::errno);
    assertThatExceptionOfType(SharedMemoryException.class)
        .isThrownBy(() -> host.registry().await(name, "another/1", patience()))
        .withMessageContaining("is a it.Block/1, not a another/1");
    for (int i = 0; i < 100; i++) {
      assertThat(host.registry().await(name, TYPE, Duration.ZERO).address())
          .isEqualTo(block.address());
    }
    assertThatExceptionOfType(TimeoutException.class)
        .isThrownBy(() -> host.registry().await("never published", TYPE, Duration.ofMillis(1)));
    assertThatIllegalArgumentException().isThrownBy(() -> host.registry().lookup("n".repeat(96)));
    assertThatIllegalArgumentException().isThrownBy(() -> host.registry().lookup(""));
    assertThatIllegalArgumentException().isThrownBy(() -> host.registry().lookup("a\0b"));
    assertThat(host.registry().lookup("\u00e4".repeat(47))).isEmpty();
  }

  @Test
  void objectOfOneProgramIsEndedByAnother(TprocHost host) throws Exception {
    String objects = Programs.probe("sharing_objects");
    String name = newName();
    try (ThreadProc maker = host.command(objects, "build", name).start()) {
      assertThat(Outcome.hosted(host, objects, "consume", name).exitValue).isZero();
      maker.outputWriter().close();
      assertThat(maker.waitForExit()).isEqualTo(new Exited(0));
    }
    assertThat(Outcome.hosted(host, objects, "pmr", name).exitValue).isZero();
  }

  @Test
  void graphOfAKilledProgramIsReadInPlaceAndEndedByAnother(TprocHost host) throws Exception {
    String objects = Programs.probe("sharing_objects");
    String name = newName();
    List<HeapUsage.Use> before = host.heap().usage().uses();
    try (ThreadProc maker = host.command(objects, "send-graph", name).start();
        ThreadProc receiver = host.command(objects, "receive-graph", name).start()) {
      long graph = Long.decode(receiver.inputReader().readLine());
      maker.destroyForcibly();
      assertThat(maker.waitForExit()).isEqualTo(new Signalled(9, false));
      assertThat(lengths(host, graph)).isEqualTo(lengths(100_000));
      receiver.outputWriter().close();
      assertThat(receiver.waitForExit()).isEqualTo(new Exited(0));
      assertThat(host.heap().usage().uses())
          .as("while the killed one is not closed")
          .isEqualTo(before);
    }
  }

  /**
   * A program that sends graphs of 100,000 nodes is killed anywhere in making, filling or sending
   * one, and closed. What has come is whole, and stays; what has not is gone.
   */
  @Test
  void graphInAnArenaArrivesWholeOrNotWhereverItsMakerIsKilled(TprocHost host) throws Exception {
    String objects = Programs.probe("sharing_objects");
    List<HeapUsage.Use> before = host.heap().usage().uses();
    long received = 0;
    for (int lines = 1; lines <= 2 * LINES_OF_A_GRAPH; lines++) {
      String name = newName();
      try (Channel graphs = host.channels().create(2, Set.of(Role.RECEIVER))) {
        graphs.publish(name);
        try (ThreadProc maker = host.command(objects, "send-arenas", name).start()) {
          for (int i = 0; i < lines; i++) {
            assertThat(maker.inputReader().readLine()).contains("nodes");
          }
          maker.destroyForcibly();
          assertThat(maker.waitForExit()).isEqualTo(new Signalled(9, false));
        }
        received += checkedGraphs(host, graphs);
      }
      assertThat(host.heap().usage().uses()).isEqualTo(before);
    }
    assertThat(received).isPositive();
  }

  @Test
  void graphInAnArenaIsChangedAndEndedByAnother(TprocHost host) throws Exception {
    String objects = Programs.probe("sharing_objects");
    String name = newName();
    List<HeapUsage.Use> before = host.heap().usage().uses();
    try (Channel graphs = host.channels().create(1, EnumSet.allOf(Role.class))) {
      graphs.publish(name);
      SharedBlock graph;
      try (ThreadProc maker = host.command(objects, "send-arenas", name).start()) {
        graph = graphs.receive(patience()).orElseThrow().block().orElseThrow();
      }
      graphs.tryReceive().flatMap(ChannelMessage::block).ifPresent(SharedBlock::close); // the next
      graphs.send(ByteBuffer.allocate(0), graph);
      Outcome receiver = Outcome.hosted(host, objects, "receive-arena", name);
      assertThat(receiver.exitValue).as(receiver.toString()).isZero();
    }
    assertThat(host.heap().usage().uses()).isEqualTo(before);
  }

  @Test
  void blockThatIsNoArenaSaysSo(TprocHost host) {
    try (SharedBlock block = host.heap().allocate(4096)) {
      block.buffer().put(0, new byte[4096]);
      assertThatExceptionOfType(SharedMemoryException.class)
          .isThrownBy(() -> block.root("it.Words/1"))
          .returns(Errno.EPROTO, SharedMemoryException::errno);
    }
    try (SharedBlock small = host.heap().allocate(16)) {
      assertThatExceptionOfType(SharedMemoryException.class)
          .isThrownBy(() -> small.root("it.Words/1"))
          .returns(Errno.EPROTO, SharedMemoryException::errno);
    }
  }

  /** Reads what is left of a channel without senders. */
  private static int checkedGraphs(TprocHost host, Channel graphs) throws InterruptedException {
    int count = 0;
    try {
      while (true) {
        checkGraph(host, graphs.receive(patience()).orElseThrow());
        count++;
      }
    } catch (SharedMemoryException end) {
      assertThat(end.errno()).isEqualTo(Errno.EPIPE);
      return count;
    }
  }

  /** Reads a graph in place, and frees it as one. */
  private static void checkGraph(TprocHost host, ChannelMessage message) {
    try (SharedBlock block = message.block().orElseThrow()) {
      assertThatExceptionOfType(SharedMemoryException.class)
          .isThrownBy(() -> block.root("it.Others/1"))
          .returns(Errno.EPROTOTYPE, SharedMemoryException::errno);
      ByteBuffer words = host.view(block.root("it.Words/1"), 16);
      long count = words.getLong(8);
      ByteBuffer pairs = host.view(words.getLong(0), count * 32);
      long sum = 0;
      for (int i = 0; i < count; i++) {
        sum += pairs.getLong(32 * i + 8) + pairs.getLong(32 * i + 24);
        assertThat(pairs.getLong(32 * i) - block.address()).isBetween(0L, block.size());
      }
      assertThat(sum).isEqualTo(lengths(100_000));
    }
  }

  /** The lengths of all keys and values: what a std::map of libstdc++ has, node by node. */
  private static long lengths(TprocHost host, long map) {
    ByteBuffer header = host.view(map, 48).order(ByteOrder.nativeOrder());
    Deque<Long> nodes = new ArrayDeque<>(List.of(header.getLong(16)));
    long count = 0;
    long sum = 0;
    while (!nodes.isEmpty()) {
      ByteBuffer node = host.view(nodes.pop(), 96).order(ByteOrder.nativeOrder());
      count++;
      sum += node.getLong(40) + node.getLong(72);
      LongStream.of(node.getLong(16), node.getLong(24))
          .filter(next -> next != 0)
          .forEach(nodes::push);
    }
    assertThat(count).isEqualTo(header.getLong(40));
    return sum;
  }

  /**
   * Of the keys and values that {@code sharing_objects.cpp} makes: word(i), and word(count - i).
   */
  private static long lengths(int count) {
    String around = "word number , long enough for a block of its own";
    return IntStream.range(0, count)
        .mapToLong(i -> Integer.toString(i).length() + Integer.toString(count - i).length())
        .map(digits -> digits + 2L * around.length())
        .sum();
  }

  @Test
  void namesOfCPlusPlus(TprocHost host) throws Exception {
    assertThat(Outcome.hosted(host, Programs.probe("sharing_locks")).exitValue).isZero();
  }

  @Test
  void allOfTheCppHeaderBetweenAProgramAndItsChildren(TprocHost host) throws Exception {
    Outcome outcome = Outcome.hosted(host, Programs.probe("cplusplus"));
    assertThat(outcome.exitValue).as(outcome.toString()).isZero();
  }

  @Test
  void threadsWaitAtAConditionForWhatAMutexGuards(TprocHost host) throws Exception {
    try (SharedBlock block = host.heap().allocate(SIZE)) {
      ByteBuffer value = block.buffer().put(0, new byte[SIZE]);
      SharedMutex mutex = host.heap().mutex(block.address());
      SharedCondition changed = host.heap().condition(block.address() + 8);
      FutureTask<Integer> other =
          new FutureTask<>(
              () -> {
                try (SharedMutex.Held held = mutex.lock()) {
                  value.putInt(12, 1);
                  changed.signalAll();
                  while (value.getInt(12) != 2) {
                    changed.await(held);
                  }
                  return value.getInt(12);
                }
              });
      try (SharedMutex.Held held = mutex.lock()) {
        while (changed.await(held, Duration.ofMillis(1))) {
          // It may return without a reason.
        }
        new Thread(other).start();
        while (value.getInt(12) != 1) {
          changed.await(held);
        }
        value.putInt(12, 2);
      }
      changed.signalAll();
      assertThat(other.get(patience().toMillis(), TimeUnit.MILLISECONDS)).isEqualTo(2);
    }
  }

  @Test
  void javaAndProgramsCountUnderOneLock(TprocHost host) throws Exception {
    int rounds = (int) Patience.scaled(20_000);
    String name = newName();
    SharedBlock block = published(host, name);
    ByteBuffer counters = block.buffer();
    SharedMutex mutex = host.heap().mutex(block.address());
    List<FutureTask<Void>> threads = new ArrayList<>();
    try (ThreadProc one = start(host, "count", name, Integer.toString(rounds));
        ThreadProc two = start(host, "count", name, Integer.toString(rounds))) {
      for (int i = 0; i < 3; i++) {
        FutureTask<Void> task = new FutureTask<>(() -> count(mutex, counters, rounds / 10), null);
        threads.add(task);
        new Thread(task, "counter").start();
      }
      for (FutureTask<Void> each : threads) {
        each.get();
      }
      assertThat(one.waitForExit()).isEqualTo(new Exited(0));
      assertThat(two.waitForExit()).isEqualTo(new Exited(0));
    }
    assertThat(counters.getLong(COUNTERS)).isEqualTo(2L * rounds + 3L * (rounds / 10));
    assertThat(counters.getLong(COUNTERS + 8)).isEqualTo(counters.getLong(COUNTERS));
    block.close();
  }

  private static void count(SharedMutex mutex, ByteBuffer counters, int rounds) {
    try {
      for (int i = 0; i < rounds; i++) {
        try (SharedMutex.Held held = mutex.lock()) {
          assertThat(held.ownerDied()).isFalse();
          counters.putLong(COUNTERS, counters.getLong(COUNTERS) + 1);
          counters.putLong(COUNTERS + 8, counters.getLong(COUNTERS + 8) + 1);
        }
      }
    } catch (InterruptedException unexpected) {
      throw new IllegalStateException(unexpected);
    }
  }

  @Test
  void lockOfAKilledProgramIsPassedOnToWhoWaits(TprocHost host) throws Exception {
    String name = newName();
    SharedBlock block = published(host, name);
    SharedMutex mutex = host.heap().mutex(block.address());
    try (ThreadProc owner = start(host, "hold", name)) {
      host.heap().semaphore(block.address() + SEMAPHORE).acquire();
      assertThat(mutex.tryLock()).isEmpty();
      assertThat(mutex.tryLock(Duration.ofMillis(20))).isEmpty();
      FutureTask<SharedMutex.Held> waiting = new FutureTask<>(mutex::lock);
      Thread waiter = new Thread(waiting, "waiter");
      waiter.start();
      awaitParked(waiter);
      owner.destroyForcibly();
      try (SharedMutex.Held held = waiting.get()) {
        assertThat(held.ownerDied()).isTrue();
        ByteBuffer counters = block.buffer();
        counters.putLong(COUNTERS + 8, counters.getLong(COUNTERS));
        held.consistent();
      }
    }
    run(host, "count", name, "10");
    assertThat(block.buffer().getLong(COUNTERS)).isEqualTo(11);
    block.close();
  }

  @Test
  void lockThatWasGivenUpIsNobodysAnyMore(TprocHost host) throws Exception {
    String name = newName();
    SharedBlock block = published(host, name);
    SharedMutex mutex = host.heap().mutex(block.address());
    try (ThreadProc owner = start(host, "hold", name)) {
      host.heap().semaphore(block.address() + SEMAPHORE).acquire();
      owner.destroyForcibly().waitFor();
    }
    mutex.lock().close();
    assertThatExceptionOfType(SharedMemoryException.class)
        .isThrownBy(mutex::lock)
        .returns(Errno.ENOTRECOVERABLE, SharedMemoryException::errno);
    block.close();
  }

  @Test
  void interruptedWaiterLeavesTheLockToOthers(TprocHost host) throws Exception {
    String name = newName();
    SharedBlock block = published(host, name);
    SharedMutex mutex = host.heap().mutex(block.address());
    Optional<SharedMutex.Held> held = mutex.tryLock();
    List<FutureTask<SharedMutex.Held>> waiting = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      FutureTask<SharedMutex.Held> task = new FutureTask<>(mutex::lock);
      Thread thread = new Thread(task, "to be interrupted");
      thread.start();
      awaitParked(thread);
      thread.interrupt();
      waiting.add(task);
    }
    for (FutureTask<SharedMutex.Held> each : waiting) {
      assertThatExceptionOfType(ExecutionException.class)
          .isThrownBy(each::get)
          .withCauseInstanceOf(InterruptedException.class);
    }
    try (ThreadProc program = start(host, "count", name, "10")) {
      held.orElseThrow().close();
      assertThat(program.waitForExit()).isEqualTo(new Exited(0));
    }
    block.close();
  }

  @Test
  void hundredsWaitForPermitsOfAProgram(TprocHost host) throws Exception {
    int waiters = 300; // more than one waiter thread can wait for
    String name = newName();
    SharedBlock block = published(host, name);
    SharedSemaphore semaphore = host.heap().semaphore(block.address() + SEMAPHORE);
    CountDownLatch acquired = new CountDownLatch(waiters);
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < waiters; i++) {
      threads.add(startLight(() -> acquireOne(semaphore, acquired)));
    }
    assertThat(semaphore.tryAcquire(Duration.ofMillis(1))).isFalse();
    run(host, "post", name, Integer.toString(waiters));
    for (Thread each : threads) {
      each.join();
    }
    assertThat(acquired.getCount()).isZero();
    assertThat(semaphore.tryAcquire()).isFalse();
    try (ThreadProc taker = start(host, "take", name, "20")) {
      for (int i = 0; i < 20; i++) {
        semaphore.release();
      }
      assertThat(taker.waitForExit()).isEqualTo(new Exited(0));
    }
    block.close();
  }

  private static void acquireOne(SharedSemaphore semaphore, CountDownLatch acquired) {
    try {
      semaphore.acquire();
      acquired.countDown();
    } catch (InterruptedException unexpected) {
      throw new IllegalStateException(unexpected);
    }
  }

  /** A virtual thread where there are some. */
  private static Thread startLight(Runnable task) throws ReflectiveOperationException {
    if (Runtime.version().feature() >= 21) {
      return (Thread)
          Thread.class.getMethod("startVirtualThread", Runnable.class).invoke(null, task);
    }
    Thread thread = new Thread(task, "light");
    thread.start();
    return thread;
  }

  @Test
  void closedHostEndsAllWaits() throws Exception {
    TprocHost host = TprocHost.open();
    SharedBlock block = host.heap().allocate(SIZE);
    block.buffer().put(new byte[SIZE]);
    SharedSemaphore semaphore = host.heap().semaphore(block.address() + SEMAPHORE);
    FutureTask<Void> waiting =
        new FutureTask<>(
            () -> {
              semaphore.acquire();
              return null;
            });
    Thread thread = new Thread(waiting, "waiting");
    thread.start();
    awaitParked(thread);
    CompletableFuture<Registration> published = host.registry().whenPublished("never");
    host.close();
    assertThatExceptionOfType(ExecutionException.class)
        .isThrownBy(waiting::get)
        .withMessageContaining("the host is closed");
    assertThatExceptionOfType(ExecutionException.class)
        .isThrownBy(published::get)
        .withMessageContaining("the host is closed");
    assertThatIllegalStateException().isThrownBy(() -> host.heap().allocate(1));
    assertThatIllegalStateException().isThrownBy(() -> host.registry().registrations());
    assertThatIllegalStateException().isThrownBy(block::buffer);
  }

  private static void awaitParked(Thread thread) {
    Patience.until(
        Patience.seconds(20),
        () ->
            thread.getState() == Thread.State.WAITING
                || thread.getState() == Thread.State.TIMED_WAITING);
  }

  private static SharedBlock barrier(TprocHost host, String name, int parties) {
    SharedBlock block = host.heap().allocate(SharedBarrier.SIZE);
    block.buffer().put(new byte[SharedBarrier.SIZE]).putInt(0, parties);
    host.registry().publish(name, TYPE, block);
    return block;
  }

  @Test
  void javaAndProgramsGoThroughRoundsTogether(TprocHost host) throws Exception {
    String name = newName();
    try (SharedBlock block = barrier(host, name, 3);
        ThreadProc first = start(host, "rounds", name, "300");
        ThreadProc second = start(host, "rounds", name, "300");
        SharedBarrier.Party party = host.heap().barrier(block.address()).join()) {
      for (int i = 0; i < 300; i++) {
        boolean ignored = party.await(patience());
      }
      assertThat(first.waitForExit()).isEqualTo(new Exited(0));
      assertThat(second.waitForExit()).isEqualTo(new Exited(0));
    }
  }

  @Test
  void aPartyThatIsKilledBreaksOneRound(TprocHost host) throws Exception {
    String name = newName();
    try (SharedBlock block = barrier(host, name, 3);
        ThreadProc survivor = start(host, "rounds", name, "20");
        ThreadProc victim = start(host, "die", name, "10");
        SharedBarrier.Party party = host.heap().barrier(block.address()).join()) {
      int broken = 0;
      for (int i = 0; i < 20; i++) {
        try {
          boolean ignored = party.await(patience());
        } catch (BrokenBarrierException died) {
          broken++;
        }
      }
      assertThat(broken).isEqualTo(1);
      assertThat(victim.waitForExit()).isEqualTo(new Signalled(9, false));
      assertThat(survivor.waitForExit()).isEqualTo(new Exited(1));
    }
  }

  @Test
  void whoGivesUpBreaksTheRoundForAll(TprocHost host) throws Exception {
    String name = newName();
    try (SharedBlock block = barrier(host, name, 2);
        SharedBarrier.Party one = host.heap().barrier(block.address()).join();
        SharedBarrier.Party late = host.heap().barrier(block.address()).join()) {
      assertThatExceptionOfType(SharedMemoryException.class)
          .isThrownBy(() -> host.heap().barrier(block.address()).join())
          .returns(Errno.EUSERS, SharedMemoryException::errno)
          .withMessageContaining("all places are taken");
      assertThatExceptionOfType(TimeoutException.class)
          .isThrownBy(() -> one.await(Duration.ofMillis(1)));
      assertThatExceptionOfType(BrokenBarrierException.class).isThrownBy(late::await);

      Thread.currentThread().interrupt();
      assertThatExceptionOfType(InterruptedException.class).isThrownBy(one::await);
      assertThatExceptionOfType(BrokenBarrierException.class).isThrownBy(late::await);

      one.close();
      assertThat(late.await()).as("alone").isTrue();
      assertThatIllegalStateException().isThrownBy(one::await).withMessage("the party has left");
    }
  }

  @Test
  void aBarrierForNoPartyIsRefused(TprocHost host) {
    String name = newName();
    try (SharedBlock block = barrier(host, name, 0)) {
      assertThatExceptionOfType(SharedMemoryException.class)
          .isThrownBy(() -> host.heap().barrier(block.address()).join())
          .returns(Errno.EINVAL, SharedMemoryException::errno)
          .withMessageContaining("for 0 parties, where 1 to 64 are right");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> host.heap().barrier(block.address() + 4));
    }
  }
}
