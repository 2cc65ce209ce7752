package io.tproc.samples.flink;

/** What a worker has made of a {@link Sale}. */
public final class Total {
  public long id;
  public double total;

  /** Flink's. */
  public Total() {}

  Total(long id, double total) {
    this.id = id;
    this.total = total;
  }

  /** A line of the output. */
  @Override
  public String toString() {
    return id + "," + total;
  }
}
