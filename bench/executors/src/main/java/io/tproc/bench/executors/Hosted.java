package io.tproc.bench.executors;

import io.tproc.TprocHost;
import io.tproc.arrow.ArrowPool;
import io.tproc.arrow.ArrowResult;
import io.tproc.worker.WorkerCrashedException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.VectorSchemaRoot;

/**
 * One hosted worker: with several batches under way, or with one that the thread waits for which
 * has asked.
 */
final class Hosted implements Peer {
  private static final int IN_FLIGHT = 8;

  private final ArrowPool pool;
  private final Batches batches;
  private final boolean calls;

  Hosted(TprocHost host, Path programs, BufferAllocator allocator, Batches batches, boolean calls)
      throws IOException, InterruptedException {
    String program = programs.resolve("hosted").toString();
    this.pool = ArrowPool.open(host, host.workers(program).inFlight(IN_FLIGHT), allocator);
    this.batches = batches;
    this.calls = calls;
  }

  @Override
  public void run(long count, long crash) throws IOException, InterruptedException {
    Queue<CompletableFuture<ArrowResult>> underWay = new ArrayDeque<>();
    for (long i = 0; i < count; i++) {
      if (calls) {
        call(batches.batch(i == crash));
        continue;
      }
      if (underWay.size() == IN_FLIGHT) {
        finish(underWay.remove());
      }
      underWay.add(pool.submit(batches.batch(i == crash)));
    }
    while (!underWay.isEmpty()) {
      finish(underWay.remove());
    }
  }

  private void call(VectorSchemaRoot batch) throws IOException, InterruptedException {
    try (ArrowResult result = pool.call(batch)) {
      batches.check(result.root());
    } catch (WorkerCrashedException failed) {
      call(batches.good);
    }
  }

  private void finish(CompletableFuture<ArrowResult> future)
      throws IOException, InterruptedException {
    try (ArrowResult result = future.get()) {
      batches.check(result.root());
    } catch (ExecutionException failed) {
      if (!(failed.getCause() instanceof WorkerCrashedException)) {
        throw new IOException(failed);
      }
      finish(pool.submit(batches.good));
    }
  }

  @Override
  public List<Long> pids() {
    return pool.workers().workers().stream().map(Process::pid).toList();
  }

  @Override
  public void close() {
    pool.close();
  }
}
