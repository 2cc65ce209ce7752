package io.tproc.it;

import static java.nio.file.StandardCopyOption.COPY_ATTRIBUTES;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tproc.ExitStatus.Exited;
import io.tproc.ExitStatus.Signalled;
import io.tproc.LaunchException;
import io.tproc.Signals;
import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import io.tproc.share.SharedBlock;
import io.tproc.share.SharedMemoryException;
import io.tproc.worker.WorkerCrashedException;
import io.tproc.worker.WorkerFailedException;
import io.tproc.worker.WorkerPool;
import io.tproc.worker.WorkerPoolBuilder;
import io.tproc.worker.WorkerRequest;
import io.tproc.worker.WorkerResponse;
import io.tproc.worker.WorkerStartException;
import io.tproc.worker.WorkerTimeoutException;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Pools of programs that serve requests, and what becomes of requests when they do not. */
@ExtendWith(HostExtension.class)
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class WorkersIT {
  /**
   * So many, or fewer where all is slow; in the guest, beside the core's tests, a tenth of that.
   */
  private static int load(long count) {
    return (int) Patience.scaled(count) / (Boolean.getBoolean("tproc.it.guest") ? 10 : 1);
  }

  private static final Duration AT_ONCE = Duration.ZERO;

  private static WorkerPoolBuilder workers(TprocHost host, String... arguments) {
    String[] command = new String[arguments.length + 1];
    command[0] = Programs.probe("worker");
    System.arraycopy(arguments, 0, command, 1, arguments.length);
    return host.workers(command).restarts(Duration.ofMillis(1), Duration.ofMillis(20), 10);
  }

  /** As {@code worker.c} reads it: what is wanted, then a number. */
  private static WorkerRequest request(char what, long number) {
    ByteBuffer bytes = ByteBuffer.allocate(9).order(ByteOrder.nativeOrder());
    return WorkerRequest.of(bytes.put(0, (byte) what).putLong(1, number));
  }

  private static WorkerRequest request(char what) {
    return WorkerRequest.of(String.valueOf(what));
  }

  private static WorkerResponse result(CompletableFuture<WorkerResponse> future) throws Exception {
    return future.get(Patience.seconds(60).toSeconds(), TimeUnit.SECONDS);
  }

  private static WorkerResponse ask(WorkerPool pool, WorkerRequest request) throws Exception {
    return result(pool.submit(request));
  }

  private static <T extends Throwable> T failure(
      Class<T> type, CompletableFuture<WorkerResponse> future) {
    ExecutionException thrown =
        catchThrowableOfType(ExecutionException.class, () -> result(future));
    assertThat(thrown).as("failure of the future").isNotNull();
    assertThat(thrown.getCause()).isExactlyInstanceOf(type);
    return type.cast(thrown.getCause());
  }

  private static String text(WorkerResponse response) {
    return StandardCharsets.UTF_8.decode(response.data()).toString();
  }

  /** A byte that a worker raises when it is there, and one that it waits for. */
  private static final class Gate {
    private final ByteBuffer bytes = ByteBuffer.allocateDirect(2);

    WorkerRequest request() {
      return WorkersIT.request('w').withBuffer(bytes);
    }

    void awaitWorker() {
      assertThat(Patience.until(Patience.seconds(30), () -> bytes.get(0) > 0)).isTrue();
    }

    boolean isReached() {
      return bytes.get(0) > 0;
    }

    void open() {
      bytes.put(1, (byte) 1);
    }
  }

  // What requests and responses carry.

  @Test
  void bytesOfAnySize(TprocHost host) throws Exception {
    try (WorkerPool pool = workers(host).open()) {
      for (int size : new int[] {0, 1, 23, 24, 25, 1000, 5_000_000}) {
        byte[] sent = new byte[size + 1];
        new Random(size).nextBytes(sent);
        sent[0] = 'e';
        ByteBuffer answer = ask(pool, WorkerRequest.of(ByteBuffer.wrap(sent))).data();
        assertThat(answer).isEqualTo(ByteBuffer.wrap(sent, 1, size));
        assertThat(answer.order()).isEqualTo(ByteOrder.nativeOrder());
        ByteBuffer made = ask(pool, request('d', size)).data();
        assertThat(made.remaining()).isEqualTo(size);
        for (int i = 0; i < size; i++) {
          assertThat(made.get(i)).isEqualTo((byte) (i * 7 + 1));
        }
      }
    }
  }

  @Test
  void buffersAreWorkedOnInPlace(TprocHost host) throws Exception {
    ByteBuffer whole = ByteBuffer.allocateDirect(1 << 20).order(ByteOrder.nativeOrder());
    whole.putInt(0, 5).putInt(1000, 6).putInt((1 << 20) - 4, 7);
    ByteBuffer first = whole.duplicate().limit(4);
    ByteBuffer rest = whole.duplicate().position(1000);
    try (WorkerPool pool = workers(host).open()) {
      WorkerResponse answer = ask(pool, request('a').withBuffer(first).withBuffer(rest));
      assertThat(answer.data().getLong()).isEqualTo(4 + (1 << 20) - 1000);
      assertThat(answer.block()).isEmpty();
    }
    assertThat(whole.getInt(0)).isEqualTo(10);
    assertThat(whole.getInt(1000)).isEqualTo(12);
    assertThat(whole.getInt((1 << 20) - 4)).isEqualTo(14);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> WorkerRequest.empty().withBuffer(ByteBuffer.allocate(1)));
  }

  @Test
  void segmentsAreWorkedOnInPlace(TprocHost host) throws Exception {
    assumeTrue(Runtime.version().feature() >= 22, "skipped: MemorySegment is of Java 22");
    ByteBuffer buffer = ByteBuffer.allocateDirect(8).order(ByteOrder.nativeOrder()).putInt(4, 21);
    Class<?> type = Class.forName("java.lang.foreign.MemorySegment");
    Object segment = type.getMethod("ofBuffer", java.nio.Buffer.class).invoke(null, buffer);
    Method with = WorkerRequest.class.getMethod("withSegment", type);
    with.setAccessible(true); // the class that declares it is not public; only reflection minds
    try (WorkerPool pool = workers(host).open()) {
      ask(pool, (WorkerRequest) with.invoke(request('a'), segment));
    }
    assertThat(buffer.getInt(4)).isEqualTo(42);
    Object onHeap = type.getMethod("ofArray", int[].class).invoke(null, new int[1]);
    assertThat(catchThrowable(() -> with.invoke(request('a'), onHeap)).getCause())
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void blocksChangeHands(TprocHost host) throws Exception {
    try (WorkerPool pool = workers(host).open()) {
      SharedBlock mine = host.heap().allocate(1000);
      long address = mine.address();
      mine.buffer().put(0, (byte) 1).put(999, (byte) 2);
      WorkerResponse answer = ask(pool, request('b', 1000).withBlock(mine));
      assertThatIllegalStateException().isThrownBy(mine::address);
      try (SharedBlock back = answer.block().orElseThrow()) {
        assertThat(back.address()).isEqualTo(address);
        assertThat(back.buffer().get(0)).isEqualTo((byte) ~1);
        assertThat(back.buffer().get(999)).isEqualTo((byte) ~2);
        assertThat(host.heap().ownerOf(address)).hasValue(ProcessHandle.current().pid());
      }
      try (SharedBlock made = ask(pool, request('n', 300)).block().orElseThrow()) {
        assertThat(made.buffer().get(299)).isEqualTo((byte) (299 * 7 + 1));
      }
      for (char how : new char[] {'i', 'z', 'f'}) { // returned from, freed, failed
        SharedBlock dropped = host.heap().allocate(100);
        long where = dropped.address();
        var ignored = catchThrowable(() -> ask(pool, request(how, 3).withBlock(dropped)));
        assertThat(host.heap().ownerOf(where)).as("block of " + how).isEmpty();
      }
    }
  }

  @Test
  void aBlockCanBeSubmittedOnce(TprocHost host) throws Exception {
    try (WorkerPool pool = workers(host).open()) {
      SharedBlock block = host.heap().allocate(10);
      WorkerRequest request = request('i').withBlock(block);
      ask(pool, request);
      assertThatIllegalStateException().isThrownBy(() -> pool.submit(request));
      SharedBlock freed = host.heap().allocate(10);
      WorkerRequest stale = request('i').withBlock(freed);
      freed.close();
      assertThatIllegalStateException().isThrownBy(() -> pool.trySubmit(stale));
      SharedBlock stolen = host.heap().allocate(10);
      host.heap().free(stolen.address());
      failure(SharedMemoryException.class, pool.submit(request('i').withBlock(stolen)));
      assertThat(text(ask(pool, WorkerRequest.of("estill here")))).isEqualTo("still here");
    }
  }

  @Test
  void whatAHandlerRefusesIsAnException(TprocHost host) throws Exception {
    try (WorkerPool pool = workers(host).open()) {
      long pid = pool.workers().get(0).pid();
      WorkerFailedException thrown =
          failure(
              WorkerFailedException.class,
              pool.submit(WorkerRequest.of("f\u0007a reason that is longer than a message")));
      assertThat(thrown.code()).isEqualTo(7);
      assertThat(thrown.pid()).isEqualTo(pid);
      assertThat(thrown)
          .hasMessageContaining("worker (pid " + pid + ")")
          .hasMessageEndingWith("a reason that is longer than a message");
      assertThat(failure(WorkerFailedException.class, pool.submit(request('?'))))
          .hasMessageEndingWith("code 38");
      assertThat(pool.workers().get(0).pid()).isEqualTo(pid);
    }
  }

  @Test
  void handlersInCplusplus(TprocHost host) throws Exception {
    try (WorkerPool pool = host.workers(Programs.probe("worker_lambda")).open()) {
      assertThat(text(ask(pool, WorkerRequest.of("stressed")))).isEqualTo("desserts");
      WorkerFailedException thrown =
          failure(WorkerFailedException.class, pool.submit(WorkerRequest.of("throw")));
      assertThat(thrown.code()).isEqualTo(WorkerFailedException.EXCEPTION);
      assertThat(thrown).hasMessageEndingWith("request 2");
      assertThat(
              failure(WorkerFailedException.class, pool.submit(WorkerRequest.of("throw a number"))))
          .hasMessageEndingWith("an exception that is no std::exception");
    }
    try (WorkerPool pool = host.workers(Programs.probe("worker_lambda"), "steps").open()) {
      assertThat(text(ask(pool, WorkerRequest.of("stressed")))).isEqualTo("desserts");
      assertThat(failure(WorkerFailedException.class, pool.submit(WorkerRequest.empty())).code())
          .isEqualTo(7);
    }
  }

  @Test
  void programsWithALoopOfTheirOwn(TprocHost host) throws Exception {
    try (WorkerPool pool = workers(host, "steps").inFlight(2).open()) {
      Gate first = new Gate();
      Gate second = new Gate();
      CompletableFuture<WorkerResponse> one = pool.submit(first.request());
      CompletableFuture<WorkerResponse> two = pool.submit(second.request());
      second.awaitWorker();
      assertThat(first.isReached()).isFalse();
      second.open();
      result(two);
      first.awaitWorker();
      assertThat(one).isNotDone();
      first.open();
      result(one);
    }
  }

  @Test
  void threadsOfOneWorkerServeAtATime(TprocHost host) throws Exception {
    try (WorkerPool pool = workers(host, "threads", "3").inFlight(3).open()) {
      Gate gate = new Gate();
      List<CompletableFuture<WorkerResponse>> all = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        all.add(pool.submit(gate.request()));
      }
      assertThat(Patience.until(Patience.seconds(30), () -> gate.bytes.get(0) == 3)).isTrue();
      gate.open();
      for (CompletableFuture<WorkerResponse> each : all) {
        result(each);
      }
    }
  }

  // Many at a time.

  /** The first round has the JVM, and malloc, take what they keep. */
  @Test
  void aHundredThousandRequestsOfEightThreads(TprocHost host) throws Exception {
    requestsOfEightThreads(host, 200);
    Resources before = Resources.now();
    requestsOfEightThreads(host, load(100_000) / 8);
    before.assertAsBefore();
  }

  private static void requestsOfEightThreads(TprocHost host, int each) throws Exception {
    AtomicInteger right = new AtomicInteger();
    Set<Integer> processes = ConcurrentHashMap.newKeySet();
    try (WorkerPool pool = workers(host).count(4).inFlight(2).open()) {
      Parallel.run(8, () -> manyRequests(pool, host, each, right, processes));
      assertThat(pool.workers()).hasSize(4);
    }
    assertThat(right.get()).isEqualTo(8 * each);
    assertThat(processes).hasSizeBetween(1, 4);
  }

  private static Object manyRequests(
      WorkerPool pool, TprocHost host, int count, AtomicInteger right, Set<Integer> processes)
      throws Exception {
    Random random = new Random(count);
    List<CompletableFuture<?>> all = new ArrayList<>();
    ByteBuffer buffers = ByteBuffer.allocateDirect(8 * count);
    for (int i = 0; i < count; i++) {
      ByteBuffer buffer = buffers.slice(8 * i, 8).order(ByteOrder.nativeOrder());
      all.add(oneOfMany(pool, host, random.nextInt(16), i, buffer, right, processes));
    }
    CompletableFuture.allOf(all.toArray(new CompletableFuture<?>[0])).get(5, TimeUnit.MINUTES);
    return count;
  }

  private static CompletableFuture<?> oneOfMany(
      WorkerPool pool,
      TprocHost host,
      int kind,
      int number,
      ByteBuffer buffer,
      AtomicInteger right,
      Set<Integer> processes)
      throws InterruptedException {
    switch (kind) {
      case 0 -> {
        SharedBlock block = host.heap().allocate(64);
        block.buffer().putLong(0, number);
        return pool.submit(request('b', 8).withBlock(block))
            .thenAccept(
                answer -> {
                  try (SharedBlock back = answer.block().orElseThrow()) {
                    count(right, back.buffer().getLong(0) == ~(long) number);
                  }
                });
      }
      case 1 -> {
        buffer.putInt(4, number);
        return pool.submit(request('a').withBuffer(buffer))
            .thenAccept(answer -> count(right, buffer.getInt(4) == 2 * number));
      }
      case 2 -> {
        return pool.submit(request('p'))
            .thenAccept(answer -> count(right, processes.add(answer.data().getInt()) || true));
      }
      case 3 -> {
        return pool.submit(request('d', number % 3000))
            .thenAccept(answer -> count(right, answer.data().remaining() == number % 3000));
      }
      default -> {
        return pool.submit(request('e', number))
            .thenAccept(answer -> count(right, answer.data().getLong() == number));
      }
    }
  }

  private static void count(AtomicInteger right, boolean isRight) {
    if (isRight) {
      right.incrementAndGet();
    }
  }

  /** The first round has the JVM, and malloc, take what they keep. */
  @Test
  void workersThatAreKilledUnderLoad() throws Exception {
    Guest.cannotRunThis("programs start more slowly there than they are killed");
    eightThreadsUnderFire(load(2_000) / 8);
    Resources before = Resources.now();
    eightThreadsUnderFire(load(20_000) / 8);
    before.assertAsBefore();
  }

  private static void eightThreadsUnderFire(int requests) throws Exception {
    AtomicInteger answered = new AtomicInteger();
    AtomicInteger crashed = new AtomicInteger();
    int sent = 0;
    try (TprocHost host = TprocHost.open()) {
      Set<Long> addresses = ConcurrentHashMap.newKeySet();
      AtomicBoolean done = new AtomicBoolean();
      try (WorkerPool pool =
          workers(host).count(4).inFlight(3).restarts(AT_ONCE, AT_ONCE, 10_000).open()) {
        Thread killer = new Thread(() -> killAtRandom(pool, done), "killer");
        killer.start();
        try {
          do { // a fast machine may have answered all before anybody is hit
            Parallel.run(
                8, () -> requestsUnderFire(pool, host, requests, answered, crashed, addresses));
            sent += 8 * requests;
          } while (requests >= 1000 && crashed.get() == 0 && sent < 8 * 100_000);
        } finally {
          done.set(true);
          killer.join();
        }
      }
      assertThat(answered.get() + crashed.get()).isEqualTo(sent);
      assertThat(answered.get()).isPositive();
      assertThat(requests < 1000 || crashed.get() > 0).as("a worker died with a request").isTrue();
      assertThat(allocatedAround(host, addresses)).isEmpty();
    }
  }

  /** Where blocks are allocated between those that were, and some way beyond: also envelopes. */
  private static List<Long> allocatedAround(TprocHost host, Set<Long> addresses) {
    long step = 16;
    long margin = 1 << 20;
    long first = Collections.min(addresses) & -margin;
    long last = Collections.max(addresses) + margin;
    List<Long> found = new ArrayList<>();
    for (long address = first; address < last; address += step) {
      if (host.heap().usableSize(address).isPresent()) {
        found.add(address);
      }
    }
    return found;
  }

  private static void killAtRandom(WorkerPool pool, AtomicBoolean done) {
    Random random = new Random(4711);
    while (!done.get()) {
      List<ThreadProc> now = pool.workers();
      if (!now.isEmpty()) {
        now.get(random.nextInt(now.size())).signal(Signals.SIGKILL);
      }
      LockSupport.parkNanos(random.nextInt(20_000_000));
    }
  }

  private static Object requestsUnderFire(
      WorkerPool pool,
      TprocHost host,
      int count,
      AtomicInteger answered,
      AtomicInteger crashed,
      Set<Long> addresses)
      throws Exception {
    List<CompletableFuture<WorkerResponse>> all = new ArrayList<>();
    ByteBuffer buffer = ByteBuffer.allocateDirect(16);
    for (int i = 0; i < count; i++) {
      all.add(pool.submit(underFire(host, i, addresses).withBuffer(buffer)));
    }
    for (int i = 0; i < count; i++) {
      try {
        WorkerResponse answer = result(all.get(i));
        try (SharedBlock block = answer.block().orElse(null)) {
          boolean right =
              block == null
                  ? answer.data().getLong() == i
                  : block.buffer().getLong(0) == ~(long) i && i % 4 == 0;
          assertThat(right).isTrue();
        }
        answered.incrementAndGet();
      } catch (ExecutionException failed) {
        assertThat(failed.getCause()).isExactlyInstanceOf(WorkerCrashedException.class);
        WorkerCrashedException why = (WorkerCrashedException) failed.getCause();
        assertThat(why.exitStatus()).isEqualTo(new Signalled(Signals.SIGKILL, false));
        crashed.incrementAndGet();
      }
    }
    return count;
  }

  private static WorkerRequest underFire(TprocHost host, int number, Set<Long> addresses) {
    if (number % 4 != 0) {
      return request(number % 4 == 1 ? 'l' : 'e', number);
    }
    SharedBlock block = host.heap().allocate(1000);
    addresses.add(block.address());
    block.buffer().putLong(0, number);
    return request('b', 8).withBlock(block);
  }

  // Workers that end, hang, or never begin.

  @Test
  void aCrashIsAnExceptionOfItsRequestAlone(TprocHost host) throws Exception {
    try (WorkerPool pool = workers(host).count(2).inFlight(2).open()) {
      Set<Long> processes = pids(pool);
      Gate gate = new Gate();
      CompletableFuture<WorkerResponse> other = pool.submit(gate.request());
      gate.awaitWorker();
      WorkerCrashedException thrown =
          failure(WorkerCrashedException.class, pool.submit(request('k', Signals.SIGSEGV)));
      assertThat(thrown.exitStatus()).isInstanceOf(Signalled.class);
      assertThat(((Signalled) thrown.exitStatus()).signal()).isEqualTo(Signals.SIGSEGV);
      assertThat(processes).contains(thrown.pid());
      assertThat(thrown).hasMessageContaining("did not answer: SIGSEGV");
      assertThat(other).isNotDone();
      gate.open();
      assertThat((long) result(other).data().getInt()).isNotEqualTo(thrown.pid());

      thrown = failure(WorkerCrashedException.class, pool.submit(request('x', 3)));
      assertThat(thrown.exitStatus()).isEqualTo(new Exited(3));
      assertThat(thrown).hasMessageContaining("it called exit(3)");
      assertThat(text(ask(pool, WorkerRequest.of("egoes on")))).isEqualTo("goes on");
    }
  }

  private static Set<Long> pids(WorkerPool pool) {
    Set<Long> pids = new HashSet<>();
    pool.workers().forEach(each -> pids.add(each.pid()));
    return pids;
  }

  @Test
  void whatAWorkerHadNotBegunGoesToTheNext(TprocHost host) throws Exception {
    try (WorkerPool pool = workers(host).inFlight(8).open()) {
      Gate gate = new Gate();
      CompletableFuture<WorkerResponse> begun = pool.submit(gate.request());
      gate.awaitWorker();
      List<CompletableFuture<WorkerResponse>> behind = new ArrayList<>();
      for (int i = 0; i < 7; i++) {
        SharedBlock block = host.heap().allocate(16);
        block.buffer().putLong(0, i);
        behind.add(pool.submit(request('b', 8).withBlock(block)));
      }
      pool.workers().get(0).signal(Signals.SIGKILL);
      failure(WorkerCrashedException.class, begun);
      for (int i = 0; i < 7; i++) {
        try (SharedBlock back = result(behind.get(i)).block().orElseThrow()) {
          assertThat(back.buffer().getLong(0)).isEqualTo(~(long) i);
        }
      }
    }
  }

  @Test
  void aTimeLimitKillsThatWorkerAlone(TprocHost host) throws Exception {
    Duration limit = Patience.seconds(0.2);
    try (WorkerPool pool = workers(host).count(2).requestLimit(limit).open()) {
      Gate gate = new Gate();
      CompletableFuture<WorkerResponse> patient =
          pool.submit(gate.request().within(Duration.ofMinutes(5)));
      gate.awaitWorker();
      WorkerTimeoutException thrown =
          failure(WorkerTimeoutException.class, pool.submit(request('h')));
      assertThat(thrown.exitStatus()).isEqualTo(new Signalled(Signals.SIGKILL, false));
      assertThat(thrown).hasMessageContaining("did not answer within " + limit);
      assertThat(ask(pool, request('p').within(Duration.ofMinutes(5))).data().getInt())
          .isNotEqualTo((int) thrown.pid());
      gate.open();
      result(patient);
    }
  }

  @Test
  void aWorkerThatIsStoppedHoldsUpNoOther(TprocHost host) throws Exception {
    try (WorkerPool pool = workers(host).count(3).open()) {
      CompletableFuture<WorkerResponse> stopped = pool.submit(request('s'));
      ThreadProc asleep = awaitStopped(pool);
      for (int i = 0; i < 1000; i++) {
        assertThat(ask(pool, request('e', i)).data().getLong()).isEqualTo(i);
      }
      assertThat(stopped).isNotDone();
      asleep.signal(Signals.SIGCONT);
      assertThat((long) result(stopped).data().getInt()).isEqualTo(asleep.pid());

      // At any instruction, also in the middle of sending; and the pool closes with one that
      // sleeps.
      Parallel.run(1, () -> stopAtRandom(pool));
      pool.submit(request('s'));
      awaitStopped(pool);
      pool.close(Duration.ofMillis(100));
      assertThat(pool.workers()).isEmpty();
    }
  }

  private static ThreadProc awaitStopped(WorkerPool pool) {
    AtomicReference<ThreadProc> found = new AtomicReference<>();
    assertThat(
            Patience.until(
                Patience.seconds(30),
                () -> {
                  pool.workers().stream()
                      .filter(each -> isStopped(each.pid()))
                      .findFirst()
                      .ifPresent(found::set);
                  return found.get() != null;
                }))
        .isTrue();
    return found.get();
  }

  private static boolean isStopped(long pid) {
    return Processes.of(pid).filter(process -> process.state() == 'T').isPresent();
  }

  private static Object stopAtRandom(WorkerPool pool) throws Exception {
    ThreadProc victim = pool.workers().get(0);
    int rounds = load(200);
    for (int i = 0; i < rounds; i++) {
      List<CompletableFuture<WorkerResponse>> all = new ArrayList<>();
      for (int j = 0; j < 20; j++) {
        all.add(pool.submit(request('e', j)));
      }
      victim.signal(Signals.SIGSTOP);
      int held = 0;
      for (CompletableFuture<WorkerResponse> each : all) {
        held += awaitUnlessHeld(each, all) ? 0 : 1;
      }
      assertThat(held).isLessThanOrEqualTo(1);
      victim.signal(Signals.SIGCONT);
      for (CompletableFuture<WorkerResponse> each : all) {
        result(each);
      }
    }
    return rounds;
  }

  /** False when all others are done, and this one is the stopped worker's. */
  private static boolean awaitUnlessHeld(
      CompletableFuture<WorkerResponse> one, List<CompletableFuture<WorkerResponse>> all) {
    Patience.until(
        Patience.seconds(30),
        () -> one.isDone() || all.stream().filter(each -> !each.isDone()).count() == 1);
    return one.isDone();
  }

  @Test
  void aProgramThatDiesAtOnceIsGivenUp(TprocHost host) throws Exception {
    AtomicInteger starts = new AtomicInteger();
    String[] mode = {"serve", ""};
    WorkerPoolBuilder builder =
        workers(host)
            .restarts(Duration.ofMillis(1), Duration.ofMillis(5), 5)
            .program(
                program -> {
                  starts.incrementAndGet();
                  program.command(Programs.probe("worker"), mode[0], mode[1]);
                });
    Resources before = Resources.now();
    try (WorkerPool pool = builder.open()) {
      ask(pool, WorkerRequest.of("eonce"));
      mode[0] = "die";
      mode[1] = "7";
      pool.workers().get(0).signal(Signals.SIGKILL);
      CompletableFuture<WorkerResponse> waiting = submitUnlessGivenUp(pool);
      if (waiting != null) {
        WorkerStartException thrown = failure(WorkerStartException.class, waiting);
        assertThat(thrown).hasMessageContaining("no worker is left");
        assertThat(thrown.getCause()).hasMessageContaining("exit(7)");
      }
      assertThat(starts.get()).isBetween(5, 6);
      assertThatIllegalStateException()
          .isThrownBy(() -> pool.submit(request('p')))
          .withMessageContaining("no worker is left");
      assertThat(pool.workers()).isEmpty();
    }
    before.assertAsBefore();
  }

  private static CompletableFuture<WorkerResponse> submitUnlessGivenUp(WorkerPool pool)
      throws InterruptedException {
    while (true) {
      try {
        CompletableFuture<WorkerResponse> submitted = pool.submit(request('p'));
        Throwable thrown = catchThrowable(() -> result(submitted));
        if (thrown == null || thrown.getCause() instanceof WorkerCrashedException) {
          continue; // it was in the one that was killed, or died
        }
        return submitted;
      } catch (IllegalStateException givenUp) {
        return null;
      }
    }
  }

  @Test
  void programsThatNeverServe(TprocHost host) throws Exception {
    Resources before = Resources.now();
    WorkerStartException thrown =
        catchThrowableOfType(
            WorkerStartException.class, () -> workers(host, "exit", "3").count(3).open());
    assertThat(thrown)
        .hasMessageContaining("ended before it served")
        .hasMessageContaining("exit(3)");
    thrown =
        catchThrowableOfType(
            WorkerStartException.class,
            () -> workers(host, "idle").count(2).startLimit(Duration.ofMillis(300)).open());
    assertThat(thrown)
        .hasMessageContaining("does not serve")
        .hasMessageContaining("tproc_serve")
        .hasMessageContaining("0.3s");
    assertThat(catchThrowable(() -> host.workers("/no/such/program").open()))
        .isInstanceOf(LaunchException.class)
        .hasMessageContaining("/no/such/program");
    assertThatIllegalArgumentException().isThrownBy(() -> host.workers());
    before.assertAsBefore();
  }

  @Test
  void aProgramThatNoPoolHasStarted(TprocHost host) throws Exception {
    Outcome alone = Outcome.hosted(host, Programs.probe("worker"));
    assertThat(alone.exitValue).isEqualTo(2); // ENOENT
    try (ThreadProc other = start(host, "2,1,1"); // of another version
        ThreadProc wrong = start(host, "1,zzz");
        ThreadProc stale = start(host, "1,7fffffff00000001,7fffffff00000002")) {
      assertThat(other.waitForExit()).isEqualTo(new Exited(93)); // EPROTONOSUPPORT
      assertThat(wrong.waitForExit()).isEqualTo(new Exited(93));
      assertThat(stale.waitForExit()).isEqualTo(new Exited(116)); // ESTALE
    }
  }

  private static ThreadProc start(TprocHost host, String variable) throws Exception {
    var command = host.command(Programs.probe("worker"));
    command.environment().put("TPROC_WORKER", variable);
    return command.start();
  }

  @ParameterizedTest
  @ValueSource(strings = {"nonsense", "stop"})
  void programsThatServeNoMore(String how, TprocHost host) throws Exception {
    Resources before = Resources.now();
    try (WorkerPool pool = workers(host, how).restarts(AT_ONCE, AT_ONCE, 1).open()) {
      WorkerCrashedException thrown =
          failure(WorkerCrashedException.class, pool.submit(request('p')));
      assertThat(thrown.exitStatus()).isEqualTo(new Signalled(Signals.SIGKILL, false));
      assertThat(thrown)
          .hasMessageContaining(
              how.equals("stop") ? "it stopped serving" : "it sent what no worker sends");
    }
    before.assertAsBefore();
  }

  // Back-pressure and cancelling.

  @Test
  void aFullQueueHoldsBackOrRefuses(TprocHost host) throws Exception {
    try (WorkerPool pool = workers(host).queue(2).open()) {
      Gate gate = new Gate();
      List<CompletableFuture<WorkerResponse>> accepted = new ArrayList<>();
      accepted.add(pool.submit(gate.request()));
      gate.awaitWorker();
      accepted.add(pool.submit(request('p')));
      accepted.add(pool.trySubmit(request('p')).orElseThrow());

      SharedBlock mine = host.heap().allocate(10);
      assertThat(pool.trySubmit(request('i').withBlock(mine))).isEmpty();
      assertThat(pool.trySubmit(request('p'), Duration.ofMillis(20))).isEmpty();
      mine.close(); // is still its user's

      Thread main = Thread.currentThread();
      main.interrupt();
      assertThatExceptionOfType(InterruptedException.class)
          .isThrownBy(() -> pool.submit(request('p')));

      CompletableFuture<CompletableFuture<WorkerResponse>> blocked = new CompletableFuture<>();
      Thread submitter =
          new Thread(
              () -> {
                try {
                  blocked.complete(pool.submit(request('p')));
                } catch (Throwable failed) {
                  blocked.completeExceptionally(failed);
                }
              },
              "submitter");
      submitter.start();
      Patience.until(Patience.seconds(30), () -> submitter.getState() == Thread.State.WAITING);
      assertThat(blocked).isNotDone();
      gate.open();
      accepted.add(blocked.get(1, TimeUnit.MINUTES));
      for (CompletableFuture<WorkerResponse> each : accepted) {
        result(each);
      }
    }
  }

  @Test
  void withoutAQueueAFreeWorkerIsNeeded(TprocHost host) throws Exception {
    try (WorkerPool pool = workers(host).queue(0).open()) {
      Gate gate = new Gate();
      CompletableFuture<WorkerResponse> first = pool.trySubmit(gate.request()).orElseThrow();
      assertThat(pool.trySubmit(request('p'))).isEmpty();
      gate.open();
      Optional<CompletableFuture<WorkerResponse>> second =
          pool.trySubmit(request('p'), Duration.ofMinutes(1));
      result(second.orElseThrow());
      result(first);
    }
  }

  @Test
  void cancellingTakesARequestOutOfTheQueueOrDisownsIt(TprocHost host) throws Exception {
    try (WorkerPool pool = workers(host).queue(1).open()) {
      Gate gate = new Gate();
      CompletableFuture<WorkerResponse> inWorker = pool.submit(gate.request());
      gate.awaitWorker();
      SharedBlock block = host.heap().allocate(10);
      long address = block.address();
      CompletableFuture<WorkerResponse> queued = pool.submit(request('i').withBlock(block));
      assertThat(pool.trySubmit(request('p'))).isEmpty();
      queued.cancel(true);
      assertThat(host.heap().ownerOf(address)).isEmpty();
      CompletableFuture<WorkerResponse> next = pool.trySubmit(request('p')).orElseThrow();
      inWorker.cancel(true);
      assertThat(next).isNotDone();
      gate.open();
      result(next);
    }
  }

  @Test
  void theResponseOfADisownedRequestIsFreed(TprocHost host) throws Exception {
    try (WorkerPool pool = workers(host).inFlight(2).open()) {
      Gate gate = new Gate();
      pool.submit(gate.request());
      SharedBlock block = host.heap().allocate(10);
      long address = block.address();
      CompletableFuture<WorkerResponse> disowned = pool.submit(request('b', 8).withBlock(block));
      disowned.cancel(true);
      gate.open();
      ask(pool, request('p'));
      assertThat(host.heap().ownerOf(address)).isEmpty();
    }
  }

  @Test
  void dependentsMustNotWaitForTheirOwnPool(TprocHost host) throws Exception {
    try (WorkerPool pool = workers(host).queue(0).open()) {
      assertThat(inDependent(pool, pool::close))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("must not close");
      Gate gate = new Gate();
      Throwable thrown =
          inDependent(
              pool,
              () -> {
                var ignored = pool.trySubmit(gate.request()).orElseThrow();
                pool.submit(request('p'));
              });
      gate.open();
      assertThat(thrown)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("must not wait for room");
    }
  }

  /** What is thrown on the pool's thread, on which dependents run that were there before. */
  private static Throwable inDependent(WorkerPool pool, ThrowingCallable what) throws Exception {
    Gate gate = new Gate();
    CompletableFuture<Throwable> thrown =
        pool.submit(gate.request()).thenApply(unused -> catchThrowable(what));
    gate.open();
    return thrown.get(1, TimeUnit.MINUTES);
  }

  // Replacing.

  private static Path copyOfWorker(Path directory, String name) throws Exception {
    return Files.copy(Path.of(Programs.probe("worker")), directory.resolve(name), COPY_ATTRIBUTES);
  }

  @Test
  void allWorkersAreReplacedUnderLoadAndNoRequestIsLost(TprocHost host, @TempDir Path directory)
      throws Exception {
    String first = copyOfWorker(directory, "first").toString();
    String second = copyOfWorker(directory, "second").toString();
    try (WorkerPool pool = host.workers(first).count(3).inFlight(4).queue(20).open()) {
      AtomicBoolean done = new AtomicBoolean();
      AtomicInteger once = new AtomicInteger();
      FutureTask<AtomicInteger> load =
          new FutureTask<>(
              () -> {
                Parallel.run(4, () -> doubleUntil(done, pool, once));
                return once;
              });
      List<ThreadProc> before = pool.workers();
      new Thread(load, "load").start();
      try {
        for (String next : new String[] {second, first, second}) {
          int seen = once.get();
          assertThat(Patience.until(Patience.seconds(30), () -> once.get() > seen + 50)).isTrue();
          Set<Long> old = pids(pool);
          pool.replace(List.of(next));
          assertThat(pids(pool)).hasSize(3).doesNotContainAnyElementsOf(old);
          assertThat(pool.workers())
              .allSatisfy(each -> assertThat(each.info().command()).hasValue(next));
        }
        pool.replace();
      } finally {
        done.set(true);
      }
      load.get(1, TimeUnit.MINUTES);
      assertThat(before).allSatisfy(each -> assertThat(each.exitStatus()).hasValue(new Exited(0)));
      assertThat(pids(pool)).hasSize(3);
      assertThat(pool).hasToString("WorkerPool[3 of " + second + "]");
    }
  }

  private static AtomicInteger doubleUntil(AtomicBoolean done, WorkerPool pool, AtomicInteger once)
      throws Exception {
    while (!done.get()) {
      doubledOnce(pool, once);
    }
    return once;
  }

  /** Four requests, each of which is to have been served exactly once. */
  private static void doubledOnce(WorkerPool pool, AtomicInteger once) throws Exception {
    List<ByteBuffer> buffers = new ArrayList<>();
    List<CompletableFuture<WorkerResponse>> answers = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      buffers.add(ByteBuffer.allocateDirect(4).order(ByteOrder.nativeOrder()).putInt(0, 1));
      answers.add(pool.submit(request('a').withBuffer(buffers.get(i))));
    }
    for (int i = 0; i < 4; i++) {
      result(answers.get(i));
      assertThat(buffers.get(i).getInt(0)).as("1, doubled once").isEqualTo(2);
      once.incrementAndGet();
    }
  }

  @Test
  void aReplacementThatDoesNotServeChangesNothing(TprocHost host) throws Exception {
    try (WorkerPool pool = workers(host).count(2).open()) {
      Set<Long> before = pids(pool);
      assertThatExceptionOfType(WorkerStartException.class)
          .isThrownBy(() -> pool.replace(List.of(Programs.probe("worker"), "exit", "3")))
          .withMessageContaining("ended before it served: it called exit(3)");
      assertThatExceptionOfType(LaunchException.class)
          .isThrownBy(() -> pool.replace(List.of("/no/such/worker")));
      assertThatIllegalArgumentException().isThrownBy(() -> pool.replace(List.of()));
      assertThat(pids(pool)).isEqualTo(before);
      assertThat(ask(pool, request('d', 3)).data().remaining()).isEqualTo(3);
      pool.replace(); // of what is there still
      assertThat(pids(pool)).hasSize(2).doesNotContainAnyElementsOf(before);
    }
  }

  @Test
  void anOldWorkerThatDoesNotFinishIsKilled(TprocHost host) throws Exception {
    try (WorkerPool pool = workers(host).closeLimit(Duration.ofMillis(50)).open()) {
      Gate gate = new Gate();
      CompletableFuture<WorkerResponse> hanging = pool.submit(gate.request());
      gate.awaitWorker();
      pool.replace();
      assertThat(failure(WorkerCrashedException.class, hanging))
          .hasMessageContaining("it was replaced, and did not end in time");
      assertThat(ask(pool, request('d', 3)).data().remaining()).isEqualTo(3);
    }
  }

  // Closing.

  @Test
  void closeLetsAllRequestsFinish(TprocHost host) throws Exception {
    Resources before = Resources.now();
    ByteBuffer told = ByteBuffer.allocateDirect(1);
    List<CompletableFuture<WorkerResponse>> all = new ArrayList<>();
    String address = Long.toString(host.addressOf(told));
    try (WorkerPool pool = workers(host, "told", address).queue(500).open()) {
      for (int i = 0; i < 500; i++) {
        all.add(pool.submit(request('e', i)));
      }
    }
    for (int i = 0; i < 500; i++) {
      assertThat(all.get(i)).isDone();
      assertThat(result(all.get(i)).data().getLong()).isEqualTo(i);
    }
    assertThat(told.get(0)).as("what tproc_serve returned").isEqualTo((byte) 1);
    before.assertAsBefore();
  }

  @Test
  void closeKillsWhatDoesNotFinish(TprocHost host) throws Exception {
    Resources before = Resources.now();
    WorkerPool pool = workers(host).open();
    Gate gate = new Gate();
    CompletableFuture<WorkerResponse> hanging = pool.submit(gate.request());
    gate.awaitWorker();
    SharedBlock block = host.heap().allocate(10);
    long address = block.address();
    CompletableFuture<WorkerResponse> waiting = pool.submit(request('i').withBlock(block));
    pool.close(Duration.ofMillis(50));
    assertThat(hanging).isDone();
    assertThat(failure(WorkerCrashedException.class, hanging))
        .hasMessageContaining("the pool was closed");
    assertThat(failure(IllegalStateException.class, waiting)).hasMessageContaining("closed");
    assertThat(host.heap().ownerOf(address)).isEmpty();
    assertThatIllegalStateException().isThrownBy(() -> pool.submit(request('p')));
    pool.close();
    before.assertAsBefore();
  }

  @Test
  void closeWaitsForProgramsOnlySoLong(TprocHost host) throws Exception {
    WorkerPool pool = workers(host, "linger").open();
    ask(pool, request('p'));
    ThreadProc process = pool.workers().get(0);
    pool.close(Duration.ofMillis(100));
    assertThat(process.waitForExit()).isEqualTo(new Signalled(Signals.SIGKILL, false));
    WorkerPool other = workers(host, "linger").open();
    Thread.currentThread().interrupt();
    other.close();
    assertThat(Thread.interrupted()).isTrue();
    assertThat(other.workers()).isEmpty();
  }

  @Test
  void submittersThatWaitLearnOfTheClose(TprocHost host) throws Exception {
    WorkerPool pool = workers(host).queue(0).open();
    Gate gate = new Gate();
    pool.submit(gate.request());
    CompletableFuture<Throwable> blocked = new CompletableFuture<>();
    Thread submitter =
        new Thread(() -> blocked.complete(catchThrowable(() -> pool.submit(request('p')))));
    submitter.start();
    Patience.until(Patience.seconds(30), () -> submitter.getState() == Thread.State.WAITING);
    pool.close(AT_ONCE);
    assertThat(blocked.get(1, TimeUnit.MINUTES)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void poolsEndWithTheirHost() throws Exception {
    TprocHost host = TprocHost.open();
    WorkerPool pool = workers(host).count(2).open();
    List<CompletableFuture<WorkerResponse>> hanging = new ArrayList<>();
    for (Gate gate : List.of(new Gate(), new Gate())) {
      hanging.add(pool.submit(gate.request()));
      gate.awaitWorker();
    }
    CompletableFuture<WorkerResponse> waiting = pool.submit(request('p'));
    host.close();
    hanging.forEach(each -> failure(WorkerCrashedException.class, each));
    assertThat(failure(IllegalStateException.class, waiting))
        .hasMessageContaining("the host is closed");
    Patience.until(
        Patience.seconds(30), () -> catchThrowable(() -> pool.trySubmit(request('p'))) != null);
    assertThatIllegalStateException().isThrownBy(() -> pool.submit(request('p')));
    pool.close();
  }

  @Test
  void openingCanBeInterrupted(TprocHost host) throws Exception {
    Resources before = Resources.now();
    Thread.currentThread().interrupt();
    assertThatExceptionOfType(InterruptedException.class)
        .isThrownBy(() -> workers(host, "idle").open());
    before.assertAsBefore();
  }

  // Python.

  private static final Path PYTHON_PACKAGE =
      Path.of("../libtproc-python").toAbsolutePath().normalize();

  @Test
  void workersInPython(TprocHost host) throws Exception {
    try (WorkerPool pool = python(host, PYTHON_PACKAGE.resolve("test/worker.py"))) {
      pythonServes(host, pool);
      pythonFails(pool);
    }
  }

  @Test
  void thePythonOfTheDocument(TprocHost host, @TempDir Path directory) throws Exception {
    Path root = PYTHON_PACKAGE.getParent();
    Path document = Path.of("docs/workers.md");
    assumeTrue(Files.exists(root.resolve(document)), "skipped: the documents are not here");
    List<Snippet> snippets =
        Snippet.of(root, document).stream()
            .filter(each -> each.language().equals("python"))
            .toList();
    assertThat(snippets).hasSize(1);
    Path script = Files.writeString(directory.resolve("scale.py"), snippets.get(0).text());
    ByteBuffer floats = ByteBuffer.allocateDirect(8).order(ByteOrder.nativeOrder());
    floats.putFloat(0, 1.5f).putFloat(4, -2);
    try (WorkerPool pool = python(host, script)) {
      assertThat(text(ask(pool, WorkerRequest.of("3").withBuffer(floats)))).isEqualTo("2 samples");
    }
    assertThat(floats.getFloat(0)).isEqualTo(4.5f);
    assertThat(floats.getFloat(4)).isEqualTo(-6f);
  }

  /** Of one worker: Debian's python3 is for fixed addresses, which one has at a time. */
  private static WorkerPool python(TprocHost host, Path script) throws Exception {
    // One of PATH may be a script that executes another, which is not hosted.
    Path python = Path.of("/usr/bin/python3");
    assumeTrue(Files.exists(PYTHON_PACKAGE), "skipped: the Python package is not here");
    assumeTrue(Files.isExecutable(python), "skipped: there is no /usr/bin/python3");
    Path library = Path.of(Programs.cli()).getParent().resolveSibling("lib/libtproc.so");
    Map<String, String> variables =
        Map.of(
            "PYTHONPATH", PYTHON_PACKAGE.toString(),
            "PYTHONDONTWRITEBYTECODE", "1",
            "TPROC_LIBRARY", library.toAbsolutePath().toString());
    return host.workers(python.toString(), script.toString())
        .program(program -> program.environment().putAll(variables))
        .open();
  }

  private static void pythonServes(TprocHost host, WorkerPool pool) throws Exception {
    assertThat(text(ask(pool, WorkerRequest.of("e" + "long".repeat(100)))))
        .isEqualTo("long".repeat(100));
    ByteBuffer floats = ByteBuffer.allocateDirect(8).order(ByteOrder.nativeOrder());
    floats.putFloat(0, 1.5f).putFloat(4, -2);
    assertThat(text(ask(pool, request('a').withBuffer(floats)))).isEqualTo("1 buffers");
    assertThat(floats.getFloat(0)).isEqualTo(3f);
    assertThat(floats.getFloat(4)).isEqualTo(-4f);
    SharedBlock block = host.heap().allocate(16);
    block.buffer().put(0, (byte) 41);
    WorkerResponse back = ask(pool, WorkerRequest.of("bwith it").withBlock(block));
    assertThat(text(back)).isEqualTo("with it");
    try (SharedBlock same = back.block().orElseThrow()) {
      assertThat(same.buffer().get(0)).isEqualTo((byte) 42);
    }
    try (SharedBlock made = ask(pool, request('n')).block().orElseThrow()) {
      assertThat(made.buffer().get(99)).isEqualTo((byte) 42);
    }
    ask(pool, request('f').withBlock(host.heap().allocate(10)));
  }

  private static void pythonFails(WorkerPool pool) throws Exception {
    WorkerFailedException thrown =
        failure(WorkerFailedException.class, pool.submit(WorkerRequest.of("vsuch \u00e4 thing")));
    assertThat(thrown.code()).isEqualTo(WorkerFailedException.EXCEPTION);
    assertThat(thrown)
        .hasMessageContaining("Traceback (most recent call last)")
        .hasMessageContaining("worker.py\", line ")
        .hasMessageContaining("ValueError: no such \u00e4 thing");
    assertThat(failure(WorkerFailedException.class, pool.submit(request('t'))))
        .hasMessageContaining("TypeError");
    assertThat(failure(WorkerFailedException.class, pool.submit(request('s'))))
        .hasMessageContaining("ValueError: no text: \\udc80");
    assertThat(failure(WorkerFailedException.class, pool.submit(request('m'))))
        .hasMessageEndingWith(": MemoryError");
    WorkerCrashedException ended =
        failure(WorkerCrashedException.class, pool.submit(WorkerRequest.of("x9")));
    assertThat(ended.exitStatus()).isEqualTo(new Exited(9));
    assertThat(text(ask(pool, WorkerRequest.of("eagain")))).isEqualTo("again");
  }
}
