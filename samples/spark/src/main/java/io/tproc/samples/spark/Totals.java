package io.tproc.samples.spark;

import io.tproc.arrow.ArrowPool;
import io.tproc.arrow.ArrowResult;
import io.tproc.worker.WorkerStartException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.Float8Vector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;

/**
 * A partition of rows (price, count) becomes one of rows (total, pid of the executor): batch by
 * batch, in a worker of the executor's, in place. A worker that crashes fails the task, which Spark
 * tries again.
 */
final class Totals implements MapPartitionsFunction<Row, Row> {
  private static final long serialVersionUID = 1;
  private static final int BATCH = 10_000;

  private final Worker worker;
  private final int cores;
  private final int crashes;

  /**
   * @param worker who serves the batches
   * @param cores of an executor
   * @param crashes so many partitions crash their worker, the first time that they are tried
   */
  Totals(Worker worker, int cores, int crashes) {
    this.worker = worker;
    this.cores = cores;
    this.crashes = crashes;
  }

  @Override
  public Iterator<Row> call(Iterator<Row> rows) {
    TaskContext task = TaskContext.get();
    boolean crashesNow = task.attemptNumber() == 0 && task.partitionId() < crashes;
    Workers workers = Workers.get();
    return new Batches(workers, workers.pool(worker, cores), rows, crashesNow);
  }

  /** Asks for the next batch when the one before has been read. */
  private static final class Batches implements Iterator<Row> {
    private final Workers workers;
    private final ArrowPool pool;
    private final Iterator<Row> rows;
    private Iterator<Row> results = List.<Row>of().iterator();
    private boolean crashesNow;

    Batches(Workers workers, ArrowPool pool, Iterator<Row> rows, boolean crashesNow) {
      this.workers = workers;
      this.pool = pool;
      this.rows = rows;
      this.crashesNow = crashesNow;
    }

    @Override
    public boolean hasNext() {
      while (!results.hasNext() && rows.hasNext()) {
        results = next(batch()).iterator();
      }
      return results.hasNext();
    }

    @Override
    public Row next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      return results.next();
    }

    private VectorSchemaRoot batch() {
      Float8Vector price = new Float8Vector("price", workers.allocator);
      IntVector count = new IntVector("count", workers.allocator);
      VectorSchemaRoot batch = new VectorSchemaRoot(List.<FieldVector>of(price, count));
      boolean done = false;
      try {
        batch.setRowCount(fill(price, count));
        done = true;
        return batch;
      } finally {
        if (!done) {
          batch.close(); // the rows have failed, or the task was killed
        }
      }
    }

    private int fill(Float8Vector price, IntVector count) {
      int size = 0;
      for (; size < BATCH && rows.hasNext(); size++) {
        Row row = rows.next();
        price.setSafe(size, crashesNow ? Double.NaN : row.getDouble(0));
        count.setSafe(size, row.getInt(1));
      }
      crashesNow = false;
      return size;
    }

    private List<Row> next(VectorSchemaRoot batch) {
      long pid = ProcessHandle.current().pid();
      try (batch;
          ArrowResult result = pool.call(batch)) {
        Float8Vector total = (Float8Vector) result.root().getVector("total");
        List<Row> answer = new ArrayList<>(total.getValueCount());
        for (int i = 0; i < total.getValueCount(); i++) {
          answer.add(RowFactory.create(total.get(i), pid));
        }
        return answer;
      } catch (WorkerStartException failed) {
        throw new UncheckedIOException(failed);
      } catch (InterruptedException cancelled) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException(cancelled);
      }
    }
  }
}
