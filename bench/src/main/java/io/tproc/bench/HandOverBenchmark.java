package io.tproc.bench;

import io.tproc.TprocHost;
import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * A buffer that Java has, summed by somebody else, at sizes from 64 bytes to 1 GiB. All of them
 * read each word; what differs is how the words get there.
 */
final class HandOverBenchmark implements Benchmark {
  private static final List<Long> SIZES =
      List.of(64L, 1L << 10, 16L << 10, 256L << 10, 4L << 20, 64L << 20, 1L << 30);
  private static final int MOST_IN_QUICK = 4 << 20;
  private static final long BYTES_A_ROUND = 1L << 30;
  private static final int MOST_A_ROUND = 2_000;

  @Override
  public String name() {
    return "handover";
  }

  @Override
  public String about() {
    return "a buffer of Java's, summed: in place by a program, copied to it, in process, by a thread";
  }

  @Override
  public void run(Settings settings) throws IOException, InterruptedException {
    long most = settings.quick() ? MOST_IN_QUICK : largest();
    ByteBuffer data = ByteBuffer.allocateDirect((int) most).order(ByteOrder.nativeOrder());
    for (int i = 0; i < data.capacity(); i += Long.BYTES) {
      data.putLong(i, i);
    }
    try (TprocHost host = TprocHost.open();
        HandOvers ways = new HandOvers(host, data)) {
      for (long size : SIZES) {
        if (size <= most) {
          measure(ways, (int) size, settings);
        }
      }
    }
    Reference.reachabilityFence(data);
  }

  /** What the JVM may have as direct buffers, and no more than 1 GiB. */
  private static long largest() {
    long most = SIZES.get(SIZES.size() - 1);
    return Runtime.getRuntime().maxMemory() * 8 < most ? MOST_IN_QUICK : most;
  }

  private static void measure(HandOvers ways, int size, Settings settings)
      throws IOException, InterruptedException {
    int count =
        settings.quick() ? 20 : (int) Math.max(1, Math.min(MOST_A_ROUND, BYTES_A_ROUND / size));
    List<HandOvers.Way> all = ways.all();
    long expected = all.get(0).sum(size);
    Rounds.Subject[] subjects =
        all.stream()
            .map(way -> (Rounds.Subject) () -> perHandOver(way, size, count, expected))
            .toArray(Rounds.Subject[]::new);
    Sample[] samples = Rounds.measure(settings.count(7, 1), subjects);
    for (int i = 0; i < samples.length; i++) {
      Report.point(all.get(i).name(), size, "us", samples[i]);
    }
  }

  /** Microseconds. */
  private static double perHandOver(HandOvers.Way way, int size, int count, long expected)
      throws IOException, InterruptedException {
    long start = System.nanoTime();
    for (int i = 0; i < count; i++) {
      if (way.sum(size) != expected) {
        throw new IllegalStateException(way.name() + ": a wrong sum of " + size + " bytes");
      }
    }
    return (System.nanoTime() - start) / 1e3 / count;
  }
}
