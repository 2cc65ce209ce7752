package io.tproc.bench.executors;

import io.tproc.TprocHost;
import io.tproc.arrow.ArrowPool;
import io.tproc.arrow.ArrowResult;
import io.tproc.worker.WorkerPoolBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.jspecify.annotations.Nullable;

/** What many workers of one JVM take, and what it costs to replace one under load. */
final class Scale {
  private static final int POOL_MAX = 256;
  private static final int BATCH_ROWS = 100;

  private final Path programs;
  private final Length length;

  Scale(Path programs, Length length) {
    this.programs = programs;
    this.length = length;
  }

  String tables() throws IOException, InterruptedException {
    return programs() + "\n" + upgrades();
  }

  /** What this process has, and what its cgroup is charged. Sizes are in bytes. */
  private record Held(long mappings, long size, long resident, long threads, long charged) {
    static Held now() throws IOException {
      System.gc();
      List<String> status = Files.readAllLines(Path.of("/proc/self/status"));
      try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
        return new Held(
            maps.count(),
            field(status, "VmSize:") << 10,
            field(status, "VmRSS:") << 10,
            field(status, "Threads:"),
            cgroupBytes());
      }
    }

    private static long field(List<String> status, String name) {
      return status.stream()
          .filter(line -> line.startsWith(name))
          .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
          .findFirst()
          .orElse(0);
    }

    /** By the cgroup of version 2 or 1 that this process is in; 0 when it cannot be seen. */
    private static long cgroupBytes() throws IOException {
      for (String line : Files.readAllLines(Path.of("/proc/self/cgroup"))) {
        String[] parts = line.split(":", 3);
        Path file =
            parts[1].isEmpty()
                ? Path.of("/sys/fs/cgroup", parts[2], "memory.current")
                : Path.of("/sys/fs/cgroup/memory", parts[2], "memory.usage_in_bytes");
        if ((parts[1].isEmpty() || parts[1].equals("memory")) && Files.isReadable(file)) {
          return Long.parseLong(Files.readString(file).strip());
        }
      }
      return 0;
    }
  }

  private String programs() throws IOException, InterruptedException {
    StringBuilder text = new StringBuilder();
    text.append(
        "| programs | started in | mappings | address space | resident | threads of the JVM |");
    text.append(" charged to the cgroup | batches a second |\n|---|---|---|---|---|---|---|---|\n");
    Held before = Held.now();
    text.append(
        String.format(
            Locale.ROOT,
            "| none, no host | | %,d | %,.1f GiB | %,d MiB | %d | | |%n",
            before.mappings,
            before.size / 0x1p30,
            before.resident >> 20,
            before.threads));
    List<double[]> points = new ArrayList<>();
    for (int power = 1; power <= (length == Length.QUICK ? 4 : 512); power *= 2) {
      points.add(measure(power, before, text));
    }
    double slope = slope(points);
    text.append(
        String.format(Locale.ROOT, "%nBy least squares a program takes %.1f mappings.%n", slope));
    return text.toString();
  }

  /** Gives the number of programs, and of mappings. */
  private double[] measure(int count, Held before, StringBuilder text)
      throws IOException, InterruptedException {
    System.err.println("measuring " + count + " programs");
    List<ArrowPool> pools = new ArrayList<>();
    try (BufferAllocator allocator = new RootAllocator();
        Batches batches = new Batches(allocator, BATCH_ROWS, 0);
        TprocHost host = TprocHost.open()) {
      long start = System.nanoTime();
      try {
        for (int left = count; left > 0; left -= POOL_MAX) {
          WorkerPoolBuilder workers = host.workers(programs.resolve("hosted").toString());
          pools.add(ArrowPool.open(host, workers.count(Math.min(left, POOL_MAX)), allocator));
        }
        double started = (System.nanoTime() - start) / 1e6;
        double rate = rate(pools, batches, 20 * count + 2_000);
        Held now = Held.now();
        text.append(
            String.format(
                Locale.ROOT,
                "| %d | %,.0f ms | %,d | %+,.1f GiB | %+,d MiB | %+d | %s | %,.0f |%n",
                count,
                started,
                now.mappings,
                (now.size - before.size) / 0x1p30,
                (now.resident - before.resident) >> 20,
                now.threads - before.threads,
                now.charged == 0
                    ? "not seen"
                    : String.format(Locale.ROOT, "%+,d MiB", (now.charged - before.charged) >> 20),
                rate));
        return new double[] {count, now.mappings};
      } finally {
        pools.forEach(ArrowPool::close);
      }
    }
  }

  private static double rate(List<ArrowPool> pools, Batches batches, int count)
      throws IOException, InterruptedException {
    Queue<CompletableFuture<ArrowResult>> underWay = new ArrayDeque<>();
    long start = System.nanoTime();
    try {
      for (int i = 0; i < count; i++) {
        if (underWay.size() == 64) {
          underWay.remove().get().close();
        }
        underWay.add(pools.get(i % pools.size()).submit(batches.good));
      }
      while (!underWay.isEmpty()) {
        underWay.remove().get().close();
      }
    } catch (ExecutionException failed) {
      throw new IOException(failed);
    }
    return count * 1e9 / (System.nanoTime() - start);
  }

  private static double slope(List<double[]> points) {
    double x = points.stream().mapToDouble(point -> point[0]).average().orElse(0);
    double y = points.stream().mapToDouble(point -> point[1]).average().orElse(0);
    double above = points.stream().mapToDouble(point -> (point[0] - x) * (point[1] - y)).sum();
    double below = points.stream().mapToDouble(point -> (point[0] - x) * (point[0] - x)).sum();
    return above / below;
  }

  /** A worker that is replaced while a thread submits. */
  private String upgrades() throws IOException, InterruptedException {
    System.err.println("measuring upgrades");
    int upgrades = length == Length.QUICK ? 2 : 20;
    String program = programs.resolve("hosted").toString();
    try (BufferAllocator allocator = new RootAllocator();
        Batches batches = new Batches(allocator, 10_000, 0);
        TprocHost host = TprocHost.open();
        ArrowPool pool = ArrowPool.open(host, host.workers(program).inFlight(8), allocator)) {
      Load load = new Load(pool, batches);
      load.start();
      load.awaitMore(1_000);
      double steady = load.worstMilliseconds();
      double[] took = new double[upgrades];
      for (int i = 0; i < upgrades; i++) {
        load.awaitMore(100);
        long start = System.nanoTime();
        pool.workers().replace();
        took[i] = (System.nanoTime() - start) / 1e6;
      }
      double worst = load.worstMilliseconds();
      long answered = load.finish();
      return String.format(
          Locale.ROOT,
          "%d times a worker was replaced while batches of 10,000 rows went through: %,d of %,d were answered. A"
              + " replacement%ntook at most %.0f ms, from the start of the new program to the end of the old one. The"
              + " slowest batch took %.1f ms%nmeanwhile, and %.1f ms before.%n",
          upgrades,
          answered,
          load.submitted(),
          Arrays.stream(took).max().orElse(0),
          worst,
          steady);
    }
  }

  /** A thread that submits batches, one after the other, to the pool. */
  private static final class Load extends Thread {
    private final ArrowPool pool;
    private final Batches batches;
    private final AtomicLong submitted = new AtomicLong();
    private final AtomicLong answered = new AtomicLong();
    private final AtomicLong worstNanos = new AtomicLong();
    private volatile boolean ends;
    private volatile @Nullable Throwable failure;

    Load(ArrowPool pool, Batches batches) {
      this.pool = pool;
      this.batches = batches;
    }

    @Override
    public void run() {
      try {
        while (!ends) {
          submitted.incrementAndGet();
          long start = System.nanoTime();
          try (ArrowResult result = pool.submit(batches.good).get()) {
            batches.check(result.root());
          }
          worstNanos.accumulateAndGet(System.nanoTime() - start, Math::max);
          answered.incrementAndGet();
        }
      } catch (InterruptedException | ExecutionException | RuntimeException failed) {
        failure = failed;
      }
    }

    void awaitMore(long count) {
      long until = answered.get() + count;
      while (answered.get() < until && failure == null) {
        Thread.onSpinWait();
        Thread.yield();
      }
    }

    /** Since the last time that this was asked. */
    double worstMilliseconds() {
      return worstNanos.getAndSet(0) / 1e6;
    }

    long submitted() {
      return submitted.get();
    }

    long finish() throws IOException, InterruptedException {
      ends = true;
      join();
      if (failure != null) {
        throw new IOException(failure);
      }
      return answered.get();
    }
  }
}
