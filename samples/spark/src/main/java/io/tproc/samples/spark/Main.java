package io.tproc.samples.spark;

import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.spark.ExceptionFailure;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerExecutorRemoved;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/** Arguments: Spark's master, how many partitions crash their worker once. */
public final class Main {
  private static final int PARTITIONS = 8;
  private static final int ROWS = 400_000;

  private static final StructType TYPE =
      new StructType().add("total", DataTypes.DoubleType).add("pid", DataTypes.LongType);

  /** What went wrong, as Spark tells it. */
  private static final class Listener extends SparkListener {
    final AtomicInteger crashes = new AtomicInteger();
    final AtomicInteger executorsLost = new AtomicInteger();

    @Override
    public void onTaskEnd(SparkListenerTaskEnd end) {
      if (end.reason() instanceof ExceptionFailure failed
          && failed.toErrorString().contains("WorkerCrashedException")) {
        crashes.incrementAndGet();
      }
    }

    @Override
    public void onExecutorRemoved(SparkListenerExecutorRemoved removed) {
      executorsLost.incrementAndGet();
    }
  }

  private Main() {}

  public static void main(String[] arguments) {
    String master = arguments[0];
    int crashes = Integer.parseInt(arguments[1]);
    boolean isLocal = master.startsWith("local[");
    Listener listener = new Listener();
    SparkSession spark =
        SparkSession.builder()
            .appName("tproc")
            .master(master)
            .config("spark.ui.enabled", false)
            .config("spark.sql.shuffle.partitions", 4)
            .config("spark.executor.extraClassPath", System.getProperty("java.class.path"))
            .getOrCreate();
    try {
      spark.sparkContext().addSparkListener(listener);
      Dataset<Row> sales =
          spark
              .range(0, ROWS, 1, PARTITIONS)
              .selectExpr("cast(id % 100 as double) / 4 as price", "cast(id % 7 as int) as count");
      Dataset<Row> totals =
          sales.mapPartitions(new Totals(isLocal ? 2 : 1, crashes), Encoders.row(TYPE));
      Row own = totals.selectExpr("count(*)", "sum(total)", "count(distinct pid)").first();
      Row right = sales.selectExpr("count(*)", "sum(price * count)").first();
      check(own.get(0).equals(right.get(0)), "rows: " + List.of(own, right));
      check(own.getDouble(1) == right.getDouble(1), "sums: " + List.of(own, right));
      System.out.printf(
          "%d rows through native workers in %d executor JVMs, sum %.2f, as Spark's own%n",
          own.getLong(0), own.getLong(2), own.getDouble(1));
    } finally {
      spark.stop(); // after this the listener has heard of all
    }
    System.out.printf(
        "%d workers crashed, %d executors were lost%n",
        listener.crashes.get(), listener.executorsLost.get());
    check(listener.crashes.get() == crashes, "not each crash was a failed task");
  }

  private static void check(boolean right, String what) {
    if (!right) {
      throw new IllegalStateException("not the same " + what);
    }
  }
}
