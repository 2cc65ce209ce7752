package io.tproc.bench.executors;

import java.util.List;
import java.util.Objects;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.FixedSizeBinaryVector;
import org.apache.arrow.vector.Float8Vector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.VectorSchemaRoot;

/**
 * A batch for all workers: price and count, and in wide rows a payload; and the same with a price
 * that is no number, at which workers crash. Each is submitted many times.
 */
final class Batches implements AutoCloseable {
  final int rows;
  final int width;
  final VectorSchemaRoot good;
  final VectorSchemaRoot bad;

  /** Of the last row. */
  private final double lastTotal;

  /**
   * @param width bytes of the payload in a row; 0 for none
   */
  Batches(BufferAllocator allocator, int rows, int width) {
    this.rows = rows;
    this.width = width;
    this.good = batch(allocator, rows, width);
    this.bad = batch(allocator, rows, width);
    ((Float8Vector) bad.getVector("price")).set(0, Double.NaN);
    double sum = 0;
    for (int i = 0; i < width; i++) {
      sum += payload(rows - 1, i) & 0xff;
    }
    lastTotal = price(rows - 1) * count(rows - 1) + sum;
  }

  private static VectorSchemaRoot batch(BufferAllocator allocator, int rows, int width) {
    Float8Vector price = new Float8Vector("price", allocator);
    IntVector count = new IntVector("count", allocator);
    price.allocateNew(rows);
    count.allocateNew(rows);
    for (int i = 0; i < rows; i++) {
      price.set(i, price(i));
      count.set(i, count(i));
    }
    List<FieldVector> columns = List.of(price, count);
    if (width > 0) {
      FixedSizeBinaryVector payload = new FixedSizeBinaryVector("payload", allocator, width);
      payload.allocateNew(rows);
      byte[] row = new byte[width];
      for (int i = 0; i < rows; i++) {
        for (int k = 0; k < width; k++) {
          row[k] = payload(i, k);
        }
        payload.set(i, row);
      }
      columns = List.of(price, count, payload);
    }
    VectorSchemaRoot batch = new VectorSchemaRoot(columns);
    batch.setRowCount(rows);
    return batch;
  }

  private static double price(int row) {
    return row % 100 / 4.0;
  }

  private static int count(int row) {
    return row % 7 + 1;
  }

  private static byte payload(int row, int place) {
    return (byte) (row * 31 + place);
  }

  VectorSchemaRoot batch(boolean crashes) {
    return crashes ? bad : good;
  }

  /** Looks at what has come back. */
  void check(VectorSchemaRoot answer) {
    Float8Vector total = (Float8Vector) Objects.requireNonNull(answer.getVector("total"));
    if (answer.getRowCount() != rows) {
      throw new IllegalStateException(answer.getRowCount() + " rows came back of " + rows);
    }
    check(total.get(rows - 1));
  }

  void check(double total) {
    if (total != lastTotal) {
      throw new IllegalStateException("the last total is " + total + ", not " + lastTotal);
    }
  }

  @Override
  public void close() {
    good.close();
    bad.close();
  }
}
