package io.tproc.bench;

import io.tproc.TprocHost;
import io.tproc.worker.WorkerPool;
import io.tproc.worker.WorkerRequest;
import io.tproc.worker.WorkerResponse;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/** Requests to a pool of one worker, against a subprocess that is fed by pipes. */
final class WorkersBenchmark implements Benchmark {
  private static final int SIZE = 24;
  private static final int PIPE_SIZE = 48;
  private static final int UNDER_WAY = 16;

  @Override
  public String name() {
    return "workers";
  }

  @Override
  public String about() {
    return "requests to a worker, one after the other and 16 at a time, against pipes";
  }

  @Override
  public void run(Settings settings) throws IOException, InterruptedException {
    int count = settings.count(20_000, 500);
    Process pipe = new ProcessBuilder(Programs.path("channels"), "echo-pipe").start();
    try (TprocHost host = TprocHost.open();
        WorkerPool pool = host.workers(Programs.path("workers")).inFlight(UNDER_WAY).open()) {
      for (int underWay : new int[] {1, UNDER_WAY}) {
        Sample[] samples =
            Rounds.measure(
                settings.count(11, 1),
                () -> requests(pool, count, underWay),
                () -> roundTrips(pipe.getOutputStream(), pipe.getInputStream(), count));
        Report.ratio(underWay + " at a time", "ns", samples[0], "pipes", samples[1], "");
      }
    } finally {
      pipe.getOutputStream().close();
      pipe.waitFor();
    }
  }

  private static double requests(WorkerPool pool, int count, int underWay)
      throws IOException, InterruptedException {
    WorkerRequest request = WorkerRequest.of(ByteBuffer.allocate(SIZE));
    Deque<CompletableFuture<WorkerResponse>> open = new ArrayDeque<>();
    long start = System.nanoTime();
    try {
      for (int i = 0; i < count; i++) {
        if (open.size() == underWay) {
          open.remove().get();
        }
        open.add(pool.submit(request));
      }
      while (!open.isEmpty()) {
        open.remove().get();
      }
    } catch (ExecutionException failed) {
      throw new IOException(failed);
    }
    return (double) (System.nanoTime() - start) / count;
  }

  private static double roundTrips(OutputStream there, InputStream back, int count)
      throws IOException {
    byte[] data = new byte[PIPE_SIZE];
    long start = System.nanoTime();
    for (int i = 0; i < count; i++) {
      there.write(data);
      there.flush();
      back.readNBytes(data, 0, PIPE_SIZE);
    }
    return (double) (System.nanoTime() - start) / count;
  }
}
