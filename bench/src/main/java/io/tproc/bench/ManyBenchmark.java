package io.tproc.bench;

import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import io.tproc.share.Channel;
import io.tproc.share.Channel.Role;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/** Round trips a second of many programs, each with a Java thread of its own. */
final class ManyBenchmark implements Benchmark {
  private static final int[] COUNTS = {1, 2, 4, 8, 16, 32, 64, 128};
  private static final int MOST_IN_QUICK = 4;
  private static final int CELLS = 64;
  private static final int SIZE = 48;

  private static final AtomicInteger NAMES = new AtomicInteger();

  @Override
  public String name() {
    return "many";
  }

  @Override
  public String about() {
    return "round trips a second with 1 to 128 programs at once, by channels and by pipes";
  }

  /** What a thread does again and again. */
  private interface RoundTrip {
    void pass() throws IOException, InterruptedException;
  }

  @Override
  public void run(Settings settings) throws IOException, InterruptedException {
    int each = settings.count(40_000, 400);
    try (TprocHost host = TprocHost.open()) {
      for (int count : COUNTS) {
        if (settings.quick() && count > MOST_IN_QUICK) {
          break;
        }
        Sample[] samples =
            Rounds.measure(
                settings.count(5, 1),
                () -> withChannels(host, count, each / count),
                () -> withPipes(count, each / count));
        Report.point("threadprocs, channels", count, "round trips/s", samples[0]);
        Report.point("processes, pipes", count, "round trips/s", samples[1]);
      }
    }
  }

  private static double withChannels(TprocHost host, int count, int each)
      throws IOException, InterruptedException {
    List<RoundTrip> trips = new ArrayList<>();
    List<Channel> channels = new ArrayList<>();
    List<ThreadProc> programs = new ArrayList<>();
    try {
      for (int i = 0; i < count; i++) {
        Channel there = host.channels().create(CELLS, Set.of(Role.SENDER));
        channels.add(there);
        Channel back = host.channels().create(CELLS, Set.of(Role.RECEIVER));
        channels.add(back);
        String[] names = {uniqueName(), uniqueName()};
        there.publish(names[0]);
        back.publish(names[1]);
        programs.add(
            host.command(Programs.path("channels"), "echo", names[0], names[1])
                .inheritIO()
                .start());
        ByteBuffer message = ByteBuffer.allocate(SIZE);
        trips.add(
            () -> {
              there.send(message);
              back.receive();
            });
      }
      return perSecond(trips, each);
    } finally {
      channels.forEach(Channel::close);
      for (ThreadProc program : programs) {
        program.waitFor();
        program.close();
      }
    }
  }

  /** A name may stay for a moment after its channel. */
  private static String uniqueName() {
    return "many." + NAMES.incrementAndGet();
  }

  private static double withPipes(int count, int each) throws IOException, InterruptedException {
    List<RoundTrip> trips = new ArrayList<>();
    List<Process> programs = new ArrayList<>();
    try {
      for (int i = 0; i < count; i++) {
        Process program = new ProcessBuilder(Programs.path("channels"), "echo-pipe").start();
        programs.add(program);
        byte[] message = new byte[SIZE];
        trips.add(
            () -> {
              program.getOutputStream().write(message);
              program.getOutputStream().flush();
              program.getInputStream().readNBytes(message, 0, SIZE);
            });
      }
      return perSecond(trips, each);
    } finally {
      for (Process program : programs) {
        program.getOutputStream().close();
        program.waitFor();
      }
    }
  }

  /** All at once, from the first one's beginning to the last one's end. */
  private static double perSecond(List<RoundTrip> trips, int each)
      throws IOException, InterruptedException {
    for (RoundTrip trip : trips) {
      trip.pass(); // when it has been answered, the program runs
    }
    ExecutorService threads = Executors.newFixedThreadPool(trips.size());
    try {
      List<Future<?>> running = new ArrayList<>();
      long start = System.nanoTime();
      for (RoundTrip trip : trips) {
        running.add(threads.submit(() -> repeat(trip, each)));
      }
      for (Future<?> one : running) {
        one.get();
      }
      return trips.size() * (double) each / ((System.nanoTime() - start) / 1e9);
    } catch (ExecutionException failed) {
      throw new IOException(failed.getCause());
    } finally {
      threads.shutdown();
    }
  }

  private static Void repeat(RoundTrip trip, int times) throws IOException, InterruptedException {
    for (int i = 0; i < times; i++) {
      trip.pass();
    }
    return null;
  }
}
