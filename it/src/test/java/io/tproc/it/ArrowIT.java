package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.tproc.Signals;
import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import io.tproc.arrow.ArrowFormatException;
import io.tproc.arrow.ArrowPool;
import io.tproc.arrow.ArrowResult;
import io.tproc.share.HeapUsage;
import io.tproc.share.HeapUsage.Owner;
import io.tproc.worker.WorkerCrashedException;
import io.tproc.worker.WorkerException;
import io.tproc.worker.WorkerFailedException;
import io.tproc.worker.WorkerPoolBuilder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.OutOfMemoryException;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.BitVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.Float8Vector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.SmallIntVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.compare.VectorEqualsVisitor;
import org.apache.arrow.vector.complex.StructVector;
import org.apache.arrow.vector.dictionary.DictionaryProvider.MapDictionaryProvider;
import org.apache.arrow.vector.types.UnionMode;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Batches of Arrow columns that are lent to programs, and what becomes of them when these die. */
@ExtendWith(HostExtension.class)
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class ArrowIT {
  // What arrow.cpp does.
  private static final int COMPUTE = 1;
  private static final int READ = 2;
  private static final int KEEP = 3;
  private static final int LET_GO = 4;
  private static final int THROW = 5;
  private static final int KEEP_AND_THROW = 6;
  private static final int ABORT = 7;
  private static final int KEEP_AND_EXIT = 8;
  private static final int OVERFLOW = 9;
  private static final int NEED_SHORT = 10;
  private static final int NOTHING = 11;
  private static final int ECHO = 12;

  private static WorkerPoolBuilder workers(TprocHost host, String... command) {
    command[0] = Programs.probe(command[0]);
    return host.workers(command).restarts(Duration.ofMillis(1), Duration.ofMillis(20), 10);
  }

  private static ArrowResult result(CompletableFuture<ArrowResult> future) throws Exception {
    return future.get(Patience.seconds(60).toSeconds(), TimeUnit.SECONDS);
  }

  private static Throwable failure(CompletableFuture<ArrowResult> future) {
    Throwable thrown = catchThrowable(() -> result(future).close());
    assertThat(thrown).isInstanceOf(ExecutionException.class);
    return thrown.getCause();
  }

  /** Columns "do", with the command, and "x", of doubles from -1 in steps of a half. */
  static VectorSchemaRoot command(BufferAllocator allocator, int what, int rows) {
    IntVector command = new IntVector("do", allocator);
    Float8Vector numbers = new Float8Vector("x", allocator);
    command.allocateNew(rows);
    numbers.allocateNew(rows);
    for (int i = 0; i < rows; i++) {
      command.set(i, what);
      numbers.set(i, i / 2.0 - 1);
    }
    VectorSchemaRoot root = new VectorSchemaRoot(List.<FieldVector>of(command, numbers));
    root.setRowCount(rows);
    return root;
  }

  private static CompletableFuture<ArrowResult> ask(
      ArrowPool pool, BufferAllocator allocator, int what, int rows) throws Exception {
    try (VectorSchemaRoot batch = command(allocator, what, rows)) {
      return pool.submit(batch); // closed at once: it is kept as long as the program has it
    }
  }

  static long blocksOfHost(TprocHost host) {
    return host.heap().usage().uses().stream()
        .filter(use -> use.owner() == Owner.HOST)
        .mapToLong(HeapUsage.Use::blocks)
        .sum();
  }

  static List<String> texts(FieldVector vector) {
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < vector.getValueCount(); i++) {
      texts.add(String.valueOf(vector.getObject(i)));
    }
    return texts;
  }

  static void awaitNothingLent(ArrowPool pool) {
    assertThat(Patience.until(Patience.seconds(30), () -> pool.lentBatches() == 0)).isTrue();
  }

  // Replacing.

  /** Two threads call, and two have several batches under way. */
  @Test
  void programsAreReplacedUnderLoadAndNoBatchIsLost(TprocHost host) throws Exception {
    try (BufferAllocator allocator = new RootAllocator()) {
      WorkerPoolBuilder workers = workers(host, "arrow").count(2).inFlight(2);
      try (ArrowPool pool = ArrowPool.open(host, workers, allocator)) {
        AtomicBoolean done = new AtomicBoolean();
        AtomicInteger answered = new AtomicInteger();
        AtomicInteger number = new AtomicInteger();
        FutureTask<AtomicInteger> load =
            new FutureTask<>(
                () -> {
                  Parallel.run(
                      4,
                      () ->
                          number.getAndIncrement() % 2 == 0
                              ? callUntil(done, pool, allocator, answered)
                              : submitUntil(done, pool, allocator, answered));
                  return answered;
                });
        new Thread(load, "load").start();
        try {
          for (int i = 0; i < 3; i++) {
            int seen = answered.get();
            assertThat(Patience.until(Patience.seconds(60), () -> answered.get() > seen + 50))
                .isTrue();
            List<ThreadProc> before = pool.workers().workers();
            pool.workers().replace();
            assertThat(pool.workers().workers()).hasSize(2).doesNotContainAnyElementsOf(before);
          }
        } finally {
          done.set(true);
        }
        load.get(1, TimeUnit.MINUTES);
        awaitNothingLent(pool);
      }
      assertThat(allocator.getAllocatedMemory()).isZero();
    }
    assertThat(blocksOfHost(host)).isZero();
  }

  private static AtomicInteger callUntil(
      AtomicBoolean done, ArrowPool pool, BufferAllocator allocator, AtomicInteger answered)
      throws Exception {
    try (VectorSchemaRoot batch = command(allocator, COMPUTE, 1_000)) {
      while (!done.get()) {
        try (ArrowResult result = pool.call(batch)) {
          checkComputed(result.root(), 1_000);
        }
        answered.incrementAndGet();
      }
    }
    return answered;
  }

  private static AtomicInteger submitUntil(
      AtomicBoolean done, ArrowPool pool, BufferAllocator allocator, AtomicInteger answered)
      throws Exception {
    while (!done.get()) {
      List<CompletableFuture<ArrowResult>> underWay = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        underWay.add(ask(pool, allocator, COMPUTE, 100));
      }
      for (CompletableFuture<ArrowResult> each : underWay) {
        try (ArrowResult result = result(each)) {
          checkComputed(result.root(), 100);
        }
        answered.incrementAndGet();
      }
    }
    return answered;
  }

  // Calls.

  @Test
  void callsGoThereAndBackWhateverTheirSchema(TprocHost host) throws Exception {
    try (BufferAllocator allocator = new RootAllocator();
        ArrowPool pool = ArrowPool.open(host, workers(host, "arrow"), allocator)) {
      for (int rows : new int[] {10, 1_000, 3}) {
        called(pool, allocator, rows);
        try (ArrowBatches batches = new ArrowBatches(allocator);
            ArrowResult back = pool.call(batches.root(), batches.dictionaries())) {
          assertThat(back.root().getRowCount()).isEqualTo(batches.root().getRowCount());
          assertThat(back.root().getSchema().getFields())
              .hasSameSizeAs(batches.root().getSchema().getFields());
        }
        called(pool, allocator, rows);
      }
      assertThat(pool.lentBatches()).isZero();
      assertThat(allocator.getAllocatedMemory()).isZero();
    }
  }

  private static void called(ArrowPool pool, BufferAllocator allocator, int rows) throws Exception {
    try (VectorSchemaRoot batch = command(allocator, COMPUTE, rows);
        ArrowResult result = pool.call(batch)) {
      checkComputed(result.root(), rows);
    }
  }

  @Test
  void aCallThrowsWhatHasHappened(TprocHost host) throws Exception {
    try (BufferAllocator allocator = new RootAllocator();
        ArrowPool pool = ArrowPool.open(host, workers(host, "arrow"), allocator)) {
      called(pool, allocator, 3);
      called(pool, allocator, 3);
      assertThat(failureOfCall(pool, allocator, ABORT))
          .isInstanceOf(WorkerCrashedException.class)
          .hasMessageContaining("SIGABRT");
      called(pool, allocator, 3);
      assertThat(failureOfCall(pool, allocator, THROW)).isInstanceOf(WorkerFailedException.class);
      called(pool, allocator, 3);
      for (int i = 0; i < 20; i++) {
        interruptedCall(pool, allocator);
      }
      awaitNothingLent(pool);
      called(pool, allocator, 3);
      assertThat(allocator.getAllocatedMemory()).isZero();
    }
  }

  /** An answer that comes before the thread would sleep is as good. */
  private static void interruptedCall(ArrowPool pool, BufferAllocator allocator) {
    Thread.currentThread().interrupt();
    try (VectorSchemaRoot batch = command(allocator, COMPUTE, 100_000)) {
      Throwable thrown = catchThrowable(() -> pool.call(batch).close());
      boolean isInterruptedStill = Thread.interrupted();
      assertThat(thrown == null ? isInterruptedStill : thrown instanceof InterruptedException)
          .as("interrupted: " + thrown)
          .isTrue();
    }
  }

  private static Throwable failureOfCall(ArrowPool pool, BufferAllocator allocator, int what) {
    try (VectorSchemaRoot batch = command(allocator, what, 3)) {
      return catchThrowable(() -> pool.call(batch).close());
    }
  }

  // There and back.

  @Test
  void everyTypeGoesThereAndBackInPlace(TprocHost host) throws Exception {
    try (BufferAllocator allocator = new RootAllocator();
        ArrowPool pool = ArrowPool.open(host, workers(host, "arrow"), allocator);
        ArrowBatches batches = new ArrowBatches(allocator);
        ArrowResult back = result(pool.submit(batches.root(), batches.dictionaries()))) {
      VectorSchemaRoot root = batches.root();
      assertThat(back.root().getRowCount()).isEqualTo(root.getRowCount());
      assertThat(back.root().getFieldVectors()).hasSameSizeAs(root.getFieldVectors());
      for (int i = 0; i < root.getFieldVectors().size(); i++) {
        FieldVector sent = root.getVector(i);
        FieldVector received = back.root().getVector(i);
        assertThat(received.getField().getName()).isEqualTo(sent.getField().getName());
        assertThat(received.getField().getType()).isEqualTo(sent.getField().getType());
        assertThat(received.getField().getMetadata()).isEqualTo(sent.getField().getMetadata());
        assertThat(VectorEqualsVisitor.vectorEquals(sent, received, (one, other) -> true))
            .as(sent.toString())
            .isTrue();
        if (sent.getFieldBuffers().size() > 1) {
          assertThat(received.getFieldBuffers().get(1).memoryAddress())
              .as(sent.getName())
              .isEqualTo(sent.getFieldBuffers().get(1).memoryAddress());
        }
      }
      assertThat(back.dictionaries().getDictionaryIds()).hasSize(1);
      assertThat(back.dictionaries().lookup(0).getVector().getObject(1)).hasToString("two");
      assertThat(pool.lentBatches()).isZero();
    }
  }

  @Test
  void aBatchWithoutRowsGoesThereAndBack(TprocHost host) throws Exception {
    try (BufferAllocator allocator = new RootAllocator();
        ArrowPool pool = ArrowPool.open(host, workers(host, "arrow"), allocator);
        VectorSchemaRoot none =
            new VectorSchemaRoot(
                List.<FieldVector>of(
                    new VarCharVector("text", allocator), StructVector.empty("s", allocator)));
        ArrowResult back = result(pool.submit(none))) {
      assertThat(back.root().getRowCount()).isZero();
      assertThat(back.root().getSchema()).isEqualTo(none.getSchema());
    }
  }

  @Test
  void whatIsComputedLiesInTheSharedHeap(TprocHost host) throws Exception {
    long before = blocksOfHost(host);
    try (BufferAllocator allocator = new RootAllocator();
        ArrowPool pool = ArrowPool.open(host, workers(host, "arrow"), allocator)) {
      try (ArrowResult back = result(ask(pool, allocator, COMPUTE, 10_000))) {
        Float8Vector twice = (Float8Vector) back.root().getVector("twice");
        assertThat(host.heap().ownerOf(blockStart(host, twice.getDataBufferAddress())))
            .hasValue(ProcessHandle.current().pid());
        assertThat(pool.lentBatches()).isZero();
        checkComputed(back.root(), 10_000);
      }
    }
    assertThat(blocksOfHost(host)).isEqualTo(before);
  }

  /**
   * The first of the addresses before that is a block's; blocks are aligned as they were asked for.
   */
  private static long blockStart(TprocHost host, long address) {
    long at = address & -64;
    while (host.heap().ownerOf(at).isEmpty()) {
      at -= 64;
    }
    return at;
  }

  static void checkComputed(VectorSchemaRoot root, int rows) {
    assertThat(root.getRowCount()).isEqualTo(rows);
    Float8Vector twice = (Float8Vector) root.getVector("twice");
    FieldVector whole = root.getVector("whole");
    BitVector positive = (BitVector) root.getVector("positive");
    VarCharVector text = (VarCharVector) root.getVector("text");
    Float8Vector was = (Float8Vector) root.getVector("was");
    for (int i = 0; i < rows; i++) {
      double x = i / 2.0 - 1;
      assertThat(twice.get(i)).isEqualTo(2 * x);
      assertThat(was.get(i)).isEqualTo(x);
      assertThat(whole.isNull(i)).isEqualTo(i % 2 == 1);
      assertThat(positive.get(i)).isEqualTo(x > 0 ? 1 : 0);
      assertThat(text.isNull(i)).isEqualTo(x < 0);
      if (x >= 0) {
        assertThat(new String(text.get(i), StandardCharsets.UTF_8)).isEqualTo("" + (int) x);
      }
    }
  }

  @Test
  void aProgramReadsListsStructsAndDictionaries(TprocHost host) throws Exception {
    try (BufferAllocator allocator = new RootAllocator();
        ArrowPool pool = ArrowPool.open(host, workers(host, "arrow"), allocator);
        ArrowBatches batches = ArrowBatches.nested(allocator, READ);
        ArrowResult back = result(pool.submit(batches.root(), batches.dictionaries()))) {
      BigIntVector sums = (BigIntVector) back.root().getVector("sums");
      VarCharVector texts = (VarCharVector) back.root().getVector("texts");
      assertThat(List.of(sums.get(0), sums.get(1), sums.get(2))).containsExactly(6L, -1L, 0L);
      assertThat(List.of("" + texts.getObject(0), "" + texts.getObject(1), "" + texts.getObject(2)))
          .containsExactly("one,a", "two,none", "one,ccc");
    }
  }

  @Test
  void aSliceInMemoryOfTheProgramsOwnIsCopied(TprocHost host) throws Exception {
    try (BufferAllocator allocator = new RootAllocator();
        ArrowPool pool = ArrowPool.open(host, workers(host, "arrow_lies"), allocator);
        ArrowResult back = result(ask(pool, allocator, 25, 1))) {
      StructVector outer = (StructVector) back.root().getVector("outer");
      SmallIntVector inner = (SmallIntVector) outer.getChild("inner");
      assertThat(texts(inner)).containsExactly("3", "4", "5", "null", "7");
    }
  }

  @Test
  void aResultMayBeLargerThanWasSaid(TprocHost host) throws Exception {
    try (BufferAllocator allocator = new RootAllocator();
        ArrowPool pool = ArrowPool.open(host, workers(host, "arrow"), allocator);
        ArrowResult back = result(ask(pool, allocator, OVERFLOW, 1000))) {
      assertThat(((IntVector) back.root().getVector("first")).get(999)).isEqualTo(999);
      assertThat(((Float8Vector) back.root().getVector("second")).get(999)).isEqualTo(499.5);
    }
  }

  @Test
  void aProgramMayAnswerWithoutColumns(TprocHost host) throws Exception {
    try (BufferAllocator allocator = new RootAllocator();
        ArrowPool pool = ArrowPool.open(host, workers(host, "arrow"), allocator);
        ArrowResult back = result(ask(pool, allocator, NOTHING, 1))) {
      assertThat(back.root().getFieldVectors()).isEmpty();
    }
  }

  // Deaths.

  @Test
  void aResultOutlivesTheProgramThatMadeIt(TprocHost host) throws Exception {
    long before = blocksOfHost(host);
    try (BufferAllocator allocator = new RootAllocator();
        ArrowPool pool = ArrowPool.open(host, workers(host, "arrow"), allocator)) {
      ThreadProc worker = pool.workers().workers().get(0);
      try (ArrowResult back = result(ask(pool, allocator, COMPUTE, 1000))) {
        worker.signal(Signals.SIGKILL);
        worker.waitForExit();
        // Its replacement has come, and taken memory of its own.
        result(ask(pool, allocator, COMPUTE, 2000)).close();
        checkComputed(back.root(), 1000);
      }
    }
    assertThat(blocksOfHost(host)).isEqualTo(before);
  }

  @Test
  void whatAProgramKeepsIsReleasedWhenItLetsGo(TprocHost host) throws Exception {
    try (BufferAllocator allocator = new RootAllocator();
        ArrowPool pool = ArrowPool.open(host, workers(host, "arrow"), allocator)) {
      for (int i = 1; i <= 3; i++) {
        result(ask(pool, allocator, KEEP, 10)).close();
        assertThat(pool.lentBatches()).isEqualTo(i);
      }
      assertThat(failure(ask(pool, allocator, KEEP_AND_THROW, 10)))
          .isInstanceOf(WorkerFailedException.class)
          .hasMessageEndingWith(": it keeps them");
      assertThat(pool.lentBatches()).isEqualTo(4);
      assertThat(allocator.getAllocatedMemory()).isPositive();
      result(ask(pool, allocator, LET_GO, 1)).close();
      awaitNothingLent(pool);
      assertThat(failure(ask(pool, allocator, THROW, 10))).hasMessageEndingWith(": as it was told");
      awaitNothingLent(pool);
      assertThat(allocator.getAllocatedMemory()).isZero();
    }
  }

  @Test
  void whatAProgramKeepsIsReleasedWhenItIsKilled(TprocHost host) throws Exception {
    try (BufferAllocator allocator = new RootAllocator();
        ArrowPool pool = ArrowPool.open(host, workers(host, "arrow").count(2), allocator)) {
      for (int i = 0; i < 10; i++) {
        result(ask(pool, allocator, KEEP, 10)).close();
      }
      assertThat(pool.lentBatches()).isEqualTo(10);
      pool.workers().workers().forEach(worker -> worker.signal(Signals.SIGKILL));
      awaitNothingLent(pool);
      assertThat(allocator.getAllocatedMemory()).isZero();
      for (int what : new int[] {ABORT, KEEP_AND_EXIT}) {
        assertThat(failure(ask(pool, allocator, what, 10)))
            .isInstanceOf(WorkerCrashedException.class);
        assertThat(pool.lentBatches()).isZero();
        assertThat(allocator.getAllocatedMemory()).isZero();
      }
    }
  }

  @Test
  void closingReleasesWhatIsKept(TprocHost host) throws Exception {
    try (BufferAllocator allocator = new RootAllocator()) {
      ArrowPool pool = ArrowPool.open(host, workers(host, "arrow"), allocator);
      result(ask(pool, allocator, KEEP, 10)).close();
      pool.close();
      assertThat(pool.lentBatches()).isZero();
      assertThat(allocator.getAllocatedMemory()).isZero();
    }
  }

  @Test
  void aCancelledRequestKeepsItsColumnsUntilTheProgramHasDone(TprocHost host) throws Exception {
    try (BufferAllocator allocator = new RootAllocator();
        ArrowPool pool = ArrowPool.open(host, workers(host, "arrow"), allocator)) {
      ThreadProc worker = pool.workers().workers().get(0);
      worker.signal(Signals.SIGSTOP);
      CompletableFuture<ArrowResult> future = ask(pool, allocator, COMPUTE, 100);
      future.cancel(false);
      assertThat(pool.lentBatches()).isEqualTo(1);
      worker.signal(Signals.SIGCONT);
      awaitNothingLent(pool);
      assertThat(Patience.until(Patience.seconds(30), () -> allocator.getAllocatedMemory() == 0))
          .isTrue();
    }
  }

  /** No program has it, so that nothing holds it up. */
  @Test
  void aRequestThatWaitsGivesItsColumnsBackWithTheInterruptOrTheCancelling(TprocHost host)
      throws Exception {
    try (BufferAllocator allocator = new RootAllocator();
        ArrowPool pool = ArrowPool.open(host, workers(host, "arrow"), allocator)) {
      ThreadProc worker = pool.workers().workers().get(0);
      worker.signal(Signals.SIGSTOP);
      CompletableFuture<ArrowResult> begun = ask(pool, allocator, COMPUTE, 100);
      CompletableFuture<ArrowResult> cancelled = ask(pool, allocator, COMPUTE, 100);
      assertThat(pool.lentBatches()).isEqualTo(2);
      cancelled.cancel(false);
      assertThat(pool.lentBatches()).isEqualTo(1);
      CompletableFuture<Throwable> end = new CompletableFuture<>();
      Thread caller =
          new Thread(() -> end.complete(failureOfCall(pool, allocator, COMPUTE)), "caller");
      caller.start();
      assertThat(Patience.until(Patience.seconds(30), () -> pool.lentBatches() == 2)).isTrue();
      caller.interrupt();
      assertThat(end.get(1, TimeUnit.MINUTES)).isInstanceOf(InterruptedException.class);
      assertThat(pool.lentBatches()).isEqualTo(1);
      worker.signal(Signals.SIGCONT);
      result(begun).close();
      awaitNothingLent(pool);
      assertThat(allocator.getAllocatedMemory()).isZero();
    }
  }

  @Test
  void whatIsLentIsCountedInThePoolsAllocator(TprocHost host) throws Exception {
    try (BufferAllocator root = new RootAllocator();
        BufferAllocator pools = root.newChildAllocator("pool", 0, Long.MAX_VALUE);
        ArrowPool pool = ArrowPool.open(host, workers(host, "arrow"), pools)) {
      try (BufferAllocator mine = root.newChildAllocator("mine", 0, Long.MAX_VALUE)) {
        result(ask(pool, mine, KEEP, 1_000)).close();
        assertThat(mine.getAllocatedMemory()).isZero();
      }
      assertThat(pools.getAllocatedMemory()).isGreaterThan(1_000 * (4 + 8));
      result(ask(pool, root, LET_GO, 1)).close();
      awaitNothingLent(pool);
      assertThat(pools.getAllocatedMemory()).isZero();
      try (BufferAllocator other = new RootAllocator()) { // they share no memory
        result(ask(pool, other, KEEP, 1_000)).close();
        assertThat(other.getAllocatedMemory()).isGreaterThan(1_000 * (4 + 8));
        result(ask(pool, other, LET_GO, 1)).close();
        awaitNothingLent(pool);
        assertThat(other.getAllocatedMemory()).isZero();
      }
    }
  }

  @Test
  void nothingLeaksWhenProgramsAreKilledAtRandom(TprocHost host) throws Exception {
    Guest.cannotRunThis("programs start more slowly there than they are killed");
    long before = blocksOfHost(host);
    int count = (int) Patience.scaled(1000);
    int[] all = {COMPUTE, KEEP, COMPUTE, LET_GO, ECHO, THROW, COMPUTE, ABORT, ECHO, KEEP_AND_EXIT};
    Random random = new Random(count);
    AtomicBoolean done = new AtomicBoolean();
    int right = 0;
    int lost = 0;
    try (BufferAllocator allocator = new RootAllocator();
        ArrowPool pool =
            ArrowPool.open(
                host,
                workers(host, "arrow")
                    .count(3)
                    .restarts(Duration.ZERO, Duration.ofMillis(5), 1 << 20),
                allocator)) {
      Thread killer = new Thread(() -> killAtRandom(pool, done), "killer");
      killer.start();
      List<CompletableFuture<ArrowResult>> open = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        open.add(ask(pool, allocator, all[random.nextInt(all.length)], 1 + random.nextInt(5000)));
        if (open.size() == 8 || i == count - 1) {
          for (CompletableFuture<ArrowResult> each : open) {
            if (isRight(each)) {
              right++;
            } else {
              lost++;
            }
          }
          open.clear();
        }
      }
      done.set(true);
      killer.join();
      pool.close();
      assertThat(pool.lentBatches()).isZero();
      assertThat(allocator.getAllocatedMemory()).as(allocator.toVerboseString()).isZero();
    }
    assertThat(right).isPositive();
    assertThat(lost).isPositive();
    assertThat(blocksOfHost(host)).isEqualTo(before);
    for (HeapUsage.Use use : host.heap().usage().uses()) {
      assertThat(use.owner() == Owner.PROCESS).as(use.toString()).isFalse();
    }
  }

  private static boolean isRight(CompletableFuture<ArrowResult> future) throws Exception {
    try (ArrowResult back = result(future)) {
      if (back.root().getVector("twice") != null) {
        checkComputed(back.root(), back.root().getRowCount());
      }
      return true;
    } catch (ExecutionException failed) {
      assertThat(failed.getCause()).isInstanceOf(WorkerException.class);
      return false;
    }
  }

  private static void killAtRandom(ArrowPool pool, AtomicBoolean done) {
    Random random = new Random(4711);
    while (!done.get()) {
      List<ThreadProc> now = pool.workers().workers();
      if (!now.isEmpty()) {
        now.get(random.nextInt(now.size())).signal(Signals.SIGKILL);
      }
      LockSupport.parkNanos(random.nextInt(20_000_000));
    }
  }

  // What is not right.

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
           1 | column 'made': Java has no column of 1099511627776 values
           2 | column 'made': buffer 0, 32768 bytes at
           3 | column 'made': Java has no column of -1 values
           4 | column 'made': 5 nulls in 3 values
           5 | column 'made': buffer 1, 12 bytes at 0x0, is neither
           6 | column 'made': buffer 1, 12 bytes at 0x1000, is neither
           7 | column 'made': buffer 0, 1 bytes at 0xfffffffffffffff8, is neither
           8 | the result: its description is cut off
           9 | the result: its description is cut off
          10 | the result: its description is cut off
          11 | the result: its description is cut off
          12 | the result: its description is cut off
          21 | column 'made': offset 2 is 4, after 5
          22 | column 'made': buffer 2, 1073741824 bytes at
          """)
  void whatAProgramSaysIsNotBelieved(int lie, String message, TprocHost host) throws Exception {
    long before = blocksOfHost(host);
    try (BufferAllocator allocator = new RootAllocator();
        ArrowPool pool = ArrowPool.open(host, workers(host, "arrow_lies"), allocator)) {
      assertThat(failure(ask(pool, allocator, lie, 1)))
          .isInstanceOf(ArrowFormatException.class)
          .hasMessageStartingWith(message);
      assertThat(pool.lentBatches()).isZero();
      result(ask(pool, allocator, 0, 1)).close();
      result(ask(pool, allocator, 20, 1)).close();
    }
    assertThat(blocksOfHost(host)).isEqualTo(before);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          23 | : column 'made': a type that cannot go to Java: 'vu'
          24 | : column 'made': n_buffers is 3, and 'i' has 2
          """)
  void theHeaderRefusesWhatCannotGoToJava(int lie, String message, TprocHost host)
      throws Exception {
    try (BufferAllocator allocator = new RootAllocator();
        ArrowPool pool = ArrowPool.open(host, workers(host, "arrow_lies"), allocator)) {
      assertThat(failure(ask(pool, allocator, lie, 1)))
          .isInstanceOf(WorkerFailedException.class)
          .hasMessageEndingWith(message);
      awaitNothingLent(pool);
    }
  }

  @Test
  void anAnswerWithoutTheHeaderIsRefused(TprocHost host) throws Exception {
    try (BufferAllocator allocator = new RootAllocator();
        ArrowPool pool = ArrowPool.open(host, workers(host, "arrow_lies", "x"), allocator)) {
      assertThat(failure(ask(pool, allocator, 0, 1)))
          .isInstanceOf(ArrowFormatException.class)
          .hasMessageStartingWith("the program has answered without tproc_arrow.h");
      assertThat(pool.lentBatches()).isZero();
    }
  }

  @Test
  void aResultBeyondTheAllocatorsLimitIsDropped(TprocHost host) throws Exception {
    long before = blocksOfHost(host);
    try (BufferAllocator allocator = new RootAllocator();
        BufferAllocator small = allocator.newChildAllocator("small", 0, 32 << 10);
        ArrowPool pool = ArrowPool.open(host, workers(host, "arrow"), small)) {
      assertThat(failure(ask(pool, allocator, OVERFLOW, 10_000)))
          .isInstanceOf(OutOfMemoryException.class);
      assertThat(pool.lentBatches()).isZero();
      assertThat(allocator.getAllocatedMemory()).isZero();
      // What is counted is what is used, not the 64 KiB and more that are reserved for it.
      result(ask(pool, allocator, LET_GO, 100)).close();
    }
    assertThat(blocksOfHost(host)).isEqualTo(before);
  }

  @Test
  void aColumnThatIsReadAsAnotherTypeIsNamed(TprocHost host) throws Exception {
    try (BufferAllocator allocator = new RootAllocator();
        ArrowPool pool = ArrowPool.open(host, workers(host, "arrow"), allocator)) {
      assertThat(failure(ask(pool, allocator, NEED_SHORT, 1)))
          .isInstanceOf(WorkerFailedException.class)
          .hasMessageEndingWith(": column 'x': format 'g' has no values of 2 bytes");
    }
  }

  @Test
  void aTypeThatProgramsDoNotGetIsNamed(TprocHost host) throws Exception {
    try (BufferAllocator allocator = new RootAllocator();
        ArrowPool pool = ArrowPool.open(host, workers(host, "arrow"), allocator)) {
      Field union =
          new Field(
              "either",
              FieldType.nullable(new ArrowType.Union(UnionMode.Sparse, new int[] {})),
              List.of());
      Field outer =
          new Field("outer", FieldType.nullable(ArrowType.Struct.INSTANCE), List.of(union));
      try (VectorSchemaRoot root = new VectorSchemaRoot(List.of(outer.createVector(allocator)))) {
        assertThatIllegalArgumentException()
            .isThrownBy(() -> pool.submit(root))
            .withMessageStartingWith(
                "column 'outer.either': a type that programs do not get: Union");
      }
      try (IntVector indices =
              new IntVector(
                  "coded",
                  new FieldType(
                      true,
                      new ArrowType.Int(32, true),
                      new org.apache.arrow.vector.types.pojo.DictionaryEncoding(9, false, null),
                      Map.of()),
                  allocator);
          VectorSchemaRoot root = new VectorSchemaRoot(List.<FieldVector>of(indices))) {
        assertThatIllegalArgumentException()
            .isThrownBy(() -> pool.submit(root, new MapDictionaryProvider()))
            .withMessage("column 'coded': there is no dictionary 9");
      }
      assertThat(pool.lentBatches()).isZero();
    }
  }
}
