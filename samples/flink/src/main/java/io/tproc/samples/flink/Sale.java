package io.tproc.samples.flink;

/** What comes from the source. */
public final class Sale {
  public long id;
  public double price;
  public int count;

  /** Flink's. */
  public Sale() {}

  Sale(long id, double price, int count) {
    this.id = id;
    this.price = price;
    this.count = count;
  }

  /** The one with this id, always the same: a source that replays. */
  static Sale of(long id) {
    return new Sale(id, id % 100 / 4.0, (int) (id % 7));
  }
}
