package io.tproc.samples.spark;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
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

/** Arguments: how many partitions crash their worker once, and the workers, CPP or PYTHON. */
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
    int crashes = Integer.parseInt(arguments[0]);
    List<Worker> workers =
        Arrays.stream(arguments).skip(1).map(Worker::valueOf).collect(Collectors.toList());
    Listener listener = new Listener();
    SparkSession spark =
        SparkSession.builder()
            .appName("tproc")
            .config("spark.sql.shuffle.partitions", 4)
            .getOrCreate();
    Set<Long> jvms = new TreeSet<>();
    try {
      spark.sparkContext().addSparkListener(listener);
      boolean isLocal = spark.sparkContext().isLocal();
      for (Worker worker : workers) {
        jvms.addAll(run(spark, new Totals(worker, isLocal ? 2 : 1, crashes), worker));
      }
    } finally {
      spark.stop(); // after this the listener has heard of all
    }
    System.out.printf(
        "%d workers crashed, %d executors were lost: all was in %d JVMs%n",
        listener.crashes.get(), listener.executorsLost.get(), jvms.size());
    check(listener.crashes.get() == crashes * workers.size(), "not each crash was a failed task");
  }

  /**
   * @return the process ids of the executors that have results
   */
  private static Set<Long> run(SparkSession spark, Totals totals, Worker worker) {
    Dataset<Row> sales =
        spark
            .range(0, ROWS, 1, PARTITIONS)
            .selectExpr("cast(id % 100 as double) / 4 as price", "cast(id % 7 as int) as count");
    Row own =
        sales
            .mapPartitions(totals, Encoders.row(TYPE))
            .selectExpr("count(*)", "sum(total)", "collect_set(pid)")
            .first();
    Row right = sales.selectExpr("count(*)", "sum(price * count)").first();
    check(own.get(0).equals(right.get(0)), "not the same rows: " + List.of(own, right));
    check(own.getDouble(1) == right.getDouble(1), "not the same sums: " + List.of(own, right));
    Set<Long> jvms = new TreeSet<>(own.getList(2));
    System.out.printf(
        "%d rows through workers in %s in executors %s, sum %.2f, as Spark's own%n",
        own.getLong(0), worker, jvms, own.getDouble(1));
    return jvms;
  }

  private static void check(boolean right, String what) {
    if (!right) {
      throw new IllegalStateException(what);
    }
  }
}
