package io.tproc.samples.flink;

import io.tproc.arrow.ArrowPool;
import io.tproc.arrow.ArrowResult;
import io.tproc.worker.WorkerCrashedException;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.Float8Vector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.jspecify.annotations.Nullable;

/**
 * Rows go through a native worker, batch by batch, in place: one worker for each parallel instance.
 * It works on one batch while the next one fills.
 *
 * <p>What is under way comes out before each barrier of a checkpoint, so that there is nothing of
 * it to be saved, and before each watermark. A worker that crashes fails the task, and Flink starts
 * the job again from its last checkpoint.
 */
final class Totals extends AbstractStreamOperator<Total>
    implements OneInputStreamOperator<Sale, Total>, BoundedOneInput {
  private static final long serialVersionUID = 1;
  static final int BATCH = 1_000;
  private static final int UNDER_WAY = 2;

  /** So many batches after a checkpoint: they are to be lost, and come again. */
  private static final int CRASHES_AFTER = 3;

  private final int milliseconds;
  private final int crashes;

  private transient @Nullable Running running;

  /**
   * @param milliseconds that a worker takes over each batch, at least
   * @param crashes in so many attempts of the job a worker crashes, between two checkpoints
   */
  Totals(int milliseconds, int crashes) {
    this.milliseconds = milliseconds;
    this.crashes = crashes;
  }

  @Override
  public void open() throws Exception {
    super.open();
    var task = getRuntimeContext().getTaskInfo();
    boolean isFirst = task.getIndexOfThisSubtask() == 0;
    if (isFirst && task.getAttemptNumber() > 0) {
      Counts.restarted();
    }
    running = new Running(isFirst && task.getAttemptNumber() < crashes);
  }

  @Override
  public void processElement(StreamRecord<Sale> record) throws Exception {
    running().add(record.getValue());
  }

  @Override
  public void prepareSnapshotPreBarrier(long checkpoint) throws Exception {
    running().flush();
  }

  @Override
  public void notifyCheckpointComplete(long checkpoint) throws Exception {
    super.notifyCheckpointComplete(checkpoint);
    running().checkpointed();
  }

  @Override
  public void processWatermark(Watermark mark) throws Exception {
    running().flush();
    super.processWatermark(mark);
  }

  @Override
  public void endInput() throws Exception {
    running().flush();
  }

  @Override
  public void close() throws Exception {
    Running now = running;
    running = null;
    if (now != null) {
      now.close();
    }
    super.close();
  }

  private Running running() {
    Running now = running;
    if (now == null) {
      throw new IllegalStateException("not open");
    }
    return now;
  }

  /** What there is from open to close. */
  private final class Running implements AutoCloseable {
    private final BufferAllocator allocator = new RootAllocator();
    private final SharedHost shared;
    private final ArrowPool pool;
    private final Queue<CompletableFuture<ArrowResult>> underWay = new ArrayDeque<>();
    private final BigIntVector id = new BigIntVector("id", allocator);
    private final Float8Vector price = new Float8Vector("price", allocator);
    private final IntVector count = new IntVector("count", allocator);
    private int size;
    private boolean isToCrash;
    private int untilCrash;

    Running(boolean isToCrash) throws Exception {
      this.isToCrash = isToCrash;
      shared = SharedHost.open();
      boolean done = false;
      try {
        String[] command = {shared.program.toString(), Integer.toString(milliseconds)};
        pool =
            ArrowPool.open(
                shared.host, shared.host.workers(command).inFlight(UNDER_WAY), allocator);
        done = true;
      } finally {
        if (!done) {
          shared.close();
        }
      }
    }

    void add(Sale sale) throws Exception {
      boolean crashesNow = untilCrash == 1;
      id.setSafe(size, sale.id);
      price.setSafe(size, crashesNow ? Double.NaN : sale.price);
      count.setSafe(size, sale.count);
      if (++size == BATCH) {
        submit();
      }
    }

    /** Waits while the worker has enough to do: that is what holds up the source. */
    private void submit() throws Exception {
      if (underWay.size() == UNDER_WAY) {
        emit();
      }
      VectorSchemaRoot batch = new VectorSchemaRoot(List.<FieldVector>of(id, price, count));
      batch.setRowCount(size);
      underWay.add(pool.submit(batch));
      batch.clear(); // lent; the next one gets memory of its own
      size = 0;
      if (untilCrash > 0) {
        untilCrash--;
      }
    }

    /**
     * What is waited for stays under way when the thread is interrupted: its result is to be
     * closed.
     */
    private ArrowResult next() throws Exception {
      ArrowResult result = underWay.element().get();
      underWay.remove();
      return result;
    }

    private void emit() throws Exception {
      try (ArrowResult result = next()) {
        BigIntVector ids = (BigIntVector) result.root().getVector("id");
        Float8Vector totals = (Float8Vector) result.root().getVector("total");
        int rows = result.root().getRowCount();
        Counts.answered(rows);
        for (int i = 0; i < rows; i++) {
          output.collect(new StreamRecord<>(new Total(ids.get(i), totals.get(i))));
        }
      } catch (ExecutionException failed) {
        if (failed.getCause() instanceof WorkerCrashedException) {
          Counts.crashed();
        }
        throw failed;
      }
    }

    void flush() throws Exception {
      if (size > 0) {
        submit();
      }
      while (!underWay.isEmpty()) {
        emit();
      }
    }

    void checkpointed() {
      if (isToCrash) {
        isToCrash = false;
        untilCrash = CRASHES_AFTER;
      }
    }

    @Override
    public void close() throws Exception {
      // The host last, whatever happens before.
      try (shared;
          allocator;
          id;
          price;
          count) {
        pool.close();
        underWay.forEach(each -> each.thenAccept(ArrowResult::close));
      }
    }
  }
}
