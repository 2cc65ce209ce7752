package io.tproc.samples.flink;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.BitSet;
import java.util.List;
import java.util.stream.Stream;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.serialization.SimpleStringEncoder;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.connector.file.sink.FileSink;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.filesystem.bucketassigners.BasePathBucketAssigner;
import org.apache.flink.streaming.api.functions.sink.filesystem.rollingpolicies.OnCheckpointRollingPolicy;

/** Arguments: an empty directory for the output, how many workers crash. */
public final class Main {
  private static final int PARALLELISM = 2;
  private static final int ROWS = 200_000;
  private static final int ROWS_PER_CHECKPOINT = 20_000;
  private static final int SLOW_MILLISECONDS = 10;

  private Main() {}

  public static void main(String[] arguments) throws Exception {
    Path output = Path.of(arguments[0]);
    int crashes = Integer.parseInt(arguments[1]);
    withCrashes(output.resolve("crashes"), crashes);
    withSlowWorkers(output.resolve("slow"));
  }

  /** The source waits for checkpoints, so that there are some before a worker crashes. */
  private static void withCrashes(Path output, int crashes) throws Exception {
    Counts.reset();
    run(output, RateLimiterStrategy.perCheckpoint(ROWS_PER_CHECKPOINT), new Totals(0, crashes));
    double sum = checkedSum(output);
    System.out.printf("%d rows are committed, each once, sum %.2f%n", ROWS, sum);
    System.out.printf(
        "%d workers crashed, and Flink restarted the job %d times in this JVM%n",
        Counts.crashes(), Counts.restarts());
    long again = Counts.rowsAnswered() - ROWS;
    System.out.printf("%d rows went through workers again%n", again);
    check(Counts.crashes() == crashes && Counts.restarts() == crashes, "not so many crashes");
    check(crashes == 0 || again > 0, "no row was replayed");
  }

  private static void withSlowWorkers(Path output) throws Exception {
    Counts.reset();
    run(output, RateLimiterStrategy.noOp(), new Totals(SLOW_MILLISECONDS, 0));
    checkedSum(output);
    System.out.printf(
        "%d rows through slow workers: the source was at most %d ahead%n",
        Counts.rowsAnswered(), Counts.rowsAhead());
  }

  private static void run(Path output, RateLimiterStrategy rate, Totals totals) throws Exception {
    Configuration settings = new Configuration();
    settings.set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay");
    settings.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_ATTEMPTS, 10);
    settings.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY, Duration.ZERO);
    // Little room between source and workers: what is on its way is to be few rows.
    settings.set(TaskManagerOptions.MEMORY_SEGMENT_SIZE, MemorySize.parse("4kb"));
    var environment = StreamExecutionEnvironment.getExecutionEnvironment(settings);
    environment.setParallelism(PARALLELISM);
    environment.enableCheckpointing(Duration.ofMillis(100).toMillis());
    var source = new DataGeneratorSource<>(Sale::of, ROWS, rate, TypeInformation.of(Sale.class));
    var sink =
        FileSink.forRowFormat(
                new org.apache.flink.core.fs.Path(output.toUri()), new SimpleStringEncoder<Total>())
            .withBucketAssigner(new BasePathBucketAssigner<>())
            .withRollingPolicy(OnCheckpointRollingPolicy.build())
            .build();
    environment
        .fromSource(source, WatermarkStrategy.noWatermarks(), "sales")
        .map(Main::counted)
        .returns(Sale.class)
        .rebalance() // over Flink's network stack, as between task managers
        .transform("totals", TypeInformation.of(Total.class), totals)
        .sinkTo(sink);
    environment.execute("tproc");
  }

  private static Sale counted(Sale sale) {
    Counts.read();
    return sale;
  }

  /** Of what is committed: each row once, with the right total. */
  private static double checkedSum(Path output) throws IOException {
    BitSet seen = new BitSet(ROWS);
    double sum = 0;
    for (Path file : committed(output)) {
      for (String line : Files.readAllLines(file)) {
        int comma = line.indexOf(',');
        int id = Integer.parseInt(line.substring(0, comma));
        double total = Double.parseDouble(line.substring(comma + 1));
        Sale sale = Sale.of(id);
        check(id < ROWS && total == sale.price * sale.count, "a wrong row: " + line);
        check(!seen.get(id), "twice: " + line);
        seen.set(id);
        sum += total;
      }
    }
    check(seen.cardinality() == ROWS, "only " + seen.cardinality() + " rows");
    return sum;
  }

  /** What is not committed has a name that begins with a dot. */
  private static List<Path> committed(Path output) throws IOException {
    try (Stream<Path> files = Files.list(output)) {
      return files.filter(file -> !file.getFileName().toString().startsWith(".")).toList();
    }
  }

  private static void check(boolean right, String what) {
    if (!right) {
      throw new IllegalStateException(what);
    }
  }
}
