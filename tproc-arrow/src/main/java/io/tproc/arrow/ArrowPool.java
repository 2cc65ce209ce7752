package io.tproc.arrow;

import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import io.tproc.share.Channel;
import io.tproc.share.Channel.Role;
import io.tproc.share.SharedMemoryException;
import io.tproc.worker.WorkerFailedException;
import io.tproc.worker.WorkerPool;
import io.tproc.worker.WorkerPoolBuilder;
import io.tproc.worker.WorkerRequest;
import io.tproc.worker.WorkerResponse;
import io.tproc.worker.WorkerStartException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.dictionary.DictionaryProvider;
import org.apache.arrow.vector.dictionary.DictionaryProvider.MapDictionaryProvider;
import org.apache.arrow.vector.types.pojo.Schema;
import org.jspecify.annotations.Nullable;

/**
 * A pool of workers that are given batches of Apache Arrow columns, and answer with such. A
 * request's columns are lent: the program reads them where they are, as structures of the Arrow C
 * Data Interface, and releases them; then, or with the program's end, they are released here, once.
 * A result lies in the shared heap, or in the request's own columns; it is this JVM's.
 *
 * <p>The programs use {@code tproc_arrow.h}, {@code tproc_arrow.hpp} or {@code tproc.arrow} of
 * Python. All else is as {@link WorkerPool} says. Arrow needs {@code
 * --add-opens=java.base/java.nio=ALL-UNNAMED}, and one of its memory implementations, {@code
 * arrow-memory-unsafe} or {@code arrow-memory-netty}, beside this module.
 *
 * <p>Thread-safe; a batch is not to be changed while a program has it.
 */
public final class ArrowPool implements AutoCloseable {
  private static final String VARIABLE = "TPROC_ARROW";
  private static final int VERSION = 1;
  private static final int CELLS = 256;
  private static final int BATCH = 64;

  private final BufferAllocator allocator;

  /** Of schemas, which stay when all that was lent has come back. */
  private final BufferAllocator schemas = new RootAllocator();

  private final AtomicReference<@Nullable ExportedSchema> last = new AtomicReference<>();
  private volatile boolean closed;
  private final Channel releases;
  private final WorkerPool pool;
  private final Thread receiver;
  private final AtomicLong ids = new AtomicLong();
  private final Map<Long, Lease> lent = new ConcurrentHashMap<>();
  private final Map<ThreadProc, Set<Lease>> kept = new ConcurrentHashMap<>();

  private ArrowPool(BufferAllocator allocator, Channel releases, WorkerPool pool) {
    this.allocator = allocator;
    this.releases = releases;
    this.pool = pool;
    this.receiver = new Thread(null, this::receive, "tproc-arrow-releases", 0, false);
    receiver.setDaemon(true);
  }

  /**
   * Starts the workers, and waits until all of them serve.
   *
   * @param host who hosts them
   * @param workers of the same host: {@code host.workers("./program").count(4)}. Not to be used for
   *     another pool
   * @param allocator what is lent and what comes back is counted in it: what is lent, from the
   *     moment on that the batch is closed, as always when Arrow's allocators share memory, and if
   *     the batch is of the same root allocator; another root goes on counting its own. The
   *     caller's, to be closed after the pool and all results
   * @return the pool, to be closed by the caller
   * @throws IOException as {@link WorkerPoolBuilder#open}
   * @throws InterruptedException when the thread is interrupted while it waits; nothing is left
   *     behind
   */
  public static ArrowPool open(TprocHost host, WorkerPoolBuilder workers, BufferAllocator allocator)
      throws IOException, InterruptedException {
    Objects.requireNonNull(allocator, "allocator");
    // A sender, too: the channel is not to end with the last of the programs.
    Set<Role> both = Set.of(Role.SENDER, Role.RECEIVER);
    Channel releases = host.channels().create(CELLS, both, Set.of(Role.RECEIVER));
    boolean done = false;
    try {
      String variable = VERSION + "," + Long.toHexString(releases.id());
      WorkerPool pool = workers.program(each -> each.environment().put(VARIABLE, variable)).open();
      ArrowPool arrow = new ArrowPool(allocator, releases, pool);
      arrow.start();
      done = true;
      return arrow;
    } finally {
      if (!done) {
        releases.close();
      }
    }
  }

  /** There may be no thread. */
  private void start() {
    boolean done = false;
    try {
      receiver.start();
      done = true;
    } finally {
      if (!done) {
        pool.close(Duration.ZERO);
      }
    }
  }

  /**
   * Lends a batch to a worker, as {@link #submit(VectorSchemaRoot, DictionaryProvider)}.
   *
   * @param batch without dictionary-encoded columns
   * @return completes with the result
   * @throws InterruptedException when the thread is interrupted while it waits for room; nothing is
   *     lent
   */
  public CompletableFuture<ArrowResult> submit(VectorSchemaRoot batch) throws InterruptedException {
    return submit(batch, new MapDictionaryProvider());
  }

  /**
   * Lends a batch to a worker, and waits while as many wait for a worker as may. The caller may
   * close the batch at once: its memory is kept until the program has released it. The caller must
   * not change it meanwhile.
   *
   * @param batch the columns
   * @param dictionaries those of dictionary-encoded columns
   * @return completes with the result, which is its user's to close. When the future was cancelled,
   *     or completed otherwise, the columns come back at once while they wait for a program; one
   *     that has them finishes, and its result is dropped. It fails as those of {@link WorkerPool}
   *     do, and with {@link ArrowFormatException}
   * @throws InterruptedException when the thread is interrupted while it waits; nothing is lent
   * @throws IllegalArgumentException when a column has a type that programs do not get; it is named
   * @throws IllegalStateException as {@link WorkerPool#submit}
   */
  public CompletableFuture<ArrowResult> submit(
      VectorSchemaRoot batch, DictionaryProvider dictionaries) throws InterruptedException {
    return lend(batch, dictionaries, pool::submit);
  }

  /**
   * Lends a batch to a worker, as {@link #call(VectorSchemaRoot, DictionaryProvider)}.
   *
   * @param batch without dictionary-encoded columns
   * @return the result
   * @throws WorkerStartException when no worker can be started any more
   * @throws InterruptedException when the thread is interrupted while it waits
   */
  public ArrowResult call(VectorSchemaRoot batch)
      throws WorkerStartException, InterruptedException {
    return call(batch, new MapDictionaryProvider());
  }

  /**
   * Lends a batch to a worker, and waits for the result, by {@link WorkerPool#call}: where a worker
   * has nothing to do, no other thread is woken for it. The shortest way to a result, for those who
   * have a thread for each batch under way, as tasks of Spark do. When it returns, the batch may be
   * changed, unless the program keeps the columns, or the result lies in them.
   *
   * @param batch the columns
   * @param dictionaries those of dictionary-encoded columns
   * @return the result, which is its user's to close
   * @throws io.tproc.worker.WorkerException as {@link WorkerPool#call}
   * @throws ArrowFormatException when the result is not right
   * @throws WorkerStartException when no worker can be started any more
   * @throws InterruptedException when the thread is interrupted, before or while it waits. A
   *     program that has the columns already finishes, and its result is dropped; if none has, they
   *     have come back
   * @throws IllegalArgumentException when a column has a type that programs do not get; it is named
   * @throws IllegalStateException as {@link WorkerPool#call}
   */
  public ArrowResult call(VectorSchemaRoot batch, DictionaryProvider dictionaries)
      throws WorkerStartException, InterruptedException {
    return WorkerPool.await(lend(batch, dictionaries, pool::submitAndWait), ArrowResult::close);
  }

  /** How a request goes to the pool. */
  private interface Way {
    CompletableFuture<WorkerResponse> submit(WorkerRequest request) throws InterruptedException;
  }

  private CompletableFuture<ArrowResult> lend(
      VectorSchemaRoot batch, DictionaryProvider dictionaries, Way way)
      throws InterruptedException {
    Lease lease = lease(batch, dictionaries);
    lent.put(lease.id(), lease);
    boolean done = false;
    CompletableFuture<WorkerResponse> answer;
    try {
      answer = way.submit(lease.request());
      done = true;
    } finally {
      if (!done) {
        end(lease);
      }
    }
    // A future of its own: who cancels it does not want the result, but a program may have the
    // columns still.
    CompletableFuture<ArrowResult> result = new CompletableFuture<>();
    var unused =
        answer.whenComplete((response, failure) -> answered(lease, response, failure, result));
    var unusedToo = result.whenComplete((loaded, failure) -> pool.withdraw(answer));
    return result;
  }

  private Lease lease(VectorSchemaRoot batch, DictionaryProvider dictionaries) {
    ExportedSchema schema = schema(batch.getSchema(), dictionaries);
    boolean done = false;
    try {
      Lease lease = Lease.of(ids.incrementAndGet(), batch, dictionaries, schema, allocator);
      done = true;
      return lease;
    } finally {
      if (!done) {
        schema.release();
      }
    }
  }

  /** Exported, to be released: that of the batch before, as a rule. */
  private ExportedSchema schema(Schema schema, DictionaryProvider dictionaries) {
    ExportedSchema known = last.get();
    if (known != null && known.isOf(schema) && known.retain()) {
      return known;
    }
    Columns.check(schema, dictionaries);
    boolean isAlone = Columns.haveDictionaries(schema.getFields());
    ExportedSchema fresh = ExportedSchema.of(schema, dictionaries, isAlone ? allocator : schemas);
    if (!isAlone && fresh.retain()) {
      remember(fresh);
    }
    if (closed) {
      remember(null);
    }
    return fresh;
  }

  private void remember(@Nullable ExportedSchema schema) {
    ExportedSchema before = last.getAndSet(schema);
    if (before != null) {
      before.release();
    }
  }

  /**
   * How many batches are lent: submitted, and not released by the program that has them. Results
   * that lie in them do not count. When it is 0, all that no result lies in has been given back to
   * its allocator.
   *
   * @return the number at this instant
   */
  public int lentBatches() {
    return lent.size();
  }

  /**
   * The workers, to look at, or to close otherwise.
   *
   * @return the pool beneath
   */
  public WorkerPool workers() {
    return pool;
  }

  // What becomes of a request.

  private void answered(
      Lease lease,
      @Nullable WorkerResponse response,
      @Nullable Throwable failure,
      CompletableFuture<ArrowResult> result) {
    if (response == null) {
      failed(lease, Objects.requireNonNull(failure), result);
      return;
    }
    ByteBuffer data = response.data();
    ArrowResult loaded = null;
    Throwable refused = null;
    try {
      loaded = load(lease, response, data);
    } catch (RuntimeException | Error failed) {
      refused = failed;
    }
    Description head = Description.isOne(data) ? Description.head(data) : null;
    if (head != null && head.isKept()) {
      keep(lease, head.pid());
    } else {
      end(lease);
    }
    if (refused != null) {
      result.completeExceptionally(refused);
    } else if (loaded != null && !result.complete(loaded)) {
      loaded.close();
    }
  }

  private ArrowResult load(Lease lease, WorkerResponse response, ByteBuffer data) {
    // The block first: it is to be freed whatever the bytes are.
    long used = Description.isOne(data) ? Description.head(data).used() : 0;
    try (Memory memory = new Memory(allocator, response.block(), used, lease)) {
      if (!Description.isOne(data)) {
        throw new ArrowFormatException("the program has answered without tproc_arrow.h: " + pool);
      }
      Description description = Description.read(data);
      return description.root() == null
          ? ArrowResult.empty()
          : Loader.load(description.root(), memory, allocator);
    }
  }

  private void failed(Lease lease, Throwable failure, CompletableFuture<ArrowResult> result) {
    // A failure does not say whether the columns are kept: the program tells it apart, when it has
    // released them.
    if (failure instanceof WorkerFailedException refused) {
      keep(lease, refused.pid());
    } else {
      end(lease);
    }
    result.completeExceptionally(failure);
  }

  /** Until the program releases it, or ends. */
  private void keep(Lease lease, long pid) {
    ThreadProc worker = worker(pid);
    if (worker == null || !lent.containsKey(lease.id())) {
      end(lease);
      return;
    }
    Set<Lease> mine = ConcurrentHashMap.newKeySet();
    Set<Lease> known = kept.putIfAbsent(worker, mine);
    Set<Lease> with = known == null ? mine : known;
    lease.keptWith = with;
    with.add(lease);
    if (known == null) {
      var unused = worker.onExit().thenRun(() -> ended(worker));
    }
    if (kept.get(worker) != with) {
      end(lease); // it has ended meanwhile
    } else if (!lent.containsKey(lease.id())) {
      with.remove(lease); // it was released meanwhile
    }
  }

  private @Nullable ThreadProc worker(long pid) {
    for (ThreadProc each : pool.workers()) {
      if (each.pid() == pid) {
        return each;
      }
    }
    return null;
  }

  private void ended(ThreadProc worker) {
    Set<Lease> leases = kept.remove(worker);
    if (leases != null) {
      leases.forEach(this::end);
    }
  }

  /** The first to say so ends it: it counts as lent until its memory has been given back. */
  private void end(Lease lease) {
    try {
      lease.end();
    } finally {
      lent.remove(lease.id()); // first: keep() looks here when it has noted the lease there
      Set<Lease> with = lease.keptWith;
      if (with != null) {
        with.remove(lease);
      }
    }
  }

  // What programs release later.

  private void receive() {
    try {
      while (true) {
        receiveSome();
      }
    } catch (IllegalStateException | SharedMemoryException closed) {
      // the pool, or the host
    }
  }

  private void receiveSome() {
    try {
      releases.receiveBatch(BATCH).forEach(message -> released(message.data()));
    } catch (InterruptedException notOurs) {
      return;
    }
  }

  private void released(ByteBuffer data) {
    Lease lease = data.remaining() == Long.BYTES ? lent.get(data.getLong(0)) : null;
    if (lease != null) {
      end(lease);
    }
  }

  // Closing.

  /**
   * Closes the pool of workers ({@link WorkerPool#close()}). When this returns, nothing is lent any
   * more, but for what results lie in.
   *
   * @throws IllegalStateException when it is called on a thread of the pool's
   */
  @Override
  public void close() {
    pool.close();
    closed = true;
    try {
      releases.close();
    } catch (IllegalStateException hostClosed) {
      // and the channel with it
    }
    joinReceiver();
    List.copyOf(lent.values()).forEach(this::end);
    remember(null);
  }

  private void joinReceiver() {
    boolean interrupted = false;
    while (receiver.isAlive()) {
      try {
        receiver.join();
      } catch (InterruptedException later) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public String toString() {
    return "ArrowPool[" + pool + ", " + lent.size() + " lent]";
  }
}
