package io.tproc.bench;

import io.tproc.TprocHost;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.agrona.concurrent.ringbuffer.OneToOneRingBuffer;
import org.agrona.concurrent.ringbuffer.RingBufferDescriptor;

/**
 * Messages of 48 bytes one way, which take 64 with what describes them: from a program to another
 * through a channel, against Agrona's ring buffer between two threads of this JVM.
 */
final class RingBenchmark implements Benchmark {
  private static final int CELLS = 1024;
  private static final int CELL = 64;
  private static final int MESSAGES = 2_000_000;
  private static final int ROUNDS = 11;

  @Override
  public String name() {
    return "ring";
  }

  @Override
  public String about() {
    return "messages one way between two programs, against Agrona's ring between two threads of Java";
  }

  @Override
  public void run(Settings settings) throws IOException, InterruptedException {
    int count = settings.count(MESSAGES, MESSAGES / 100);
    try (TprocHost host = TprocHost.open()) {
      for (String kind : new String[] {"messages", "one-each", "batches"}) {
        Sample[] samples =
            Rounds.measure(
                settings.count(ROUNDS, 1),
                () ->
                    Programs.figure(
                        Programs.hosted(
                            host, Programs.path("channels"), kind, Integer.toString(count))),
                () -> ring(count));
        Report.ratio(kind, "ns", samples[0], "Agrona's ring", samples[1], "aim <= 1.25");
      }
    }
  }

  /** As many bytes of room as the channel has. */
  private static double ring(int count) throws InterruptedException {
    OneToOneRingBuffer ring =
        new OneToOneRingBuffer(
            new UnsafeBuffer(
                ByteBuffer.allocateDirect(CELLS * CELL + RingBufferDescriptor.TRAILER_LENGTH)));
    Thread receiver = new Thread(() -> drain(ring, count));
    receiver.start();
    UnsafeBuffer message = new UnsafeBuffer(new byte[RoundTrips.SIZE]);
    long start = System.nanoTime();
    for (int i = 0; i < count; i++) {
      while (!ring.write(1, message, 0, RoundTrips.SIZE)) {
        Thread.yield();
      }
    }
    receiver.join();
    return (double) (System.nanoTime() - start) / count;
  }

  private static void drain(OneToOneRingBuffer ring, int count) {
    byte[] message = new byte[RoundTrips.SIZE];
    int received = 0;
    while (received < count) {
      int now =
          ring.read((type, buffer, index, length) -> buffer.getBytes(index, message, 0, length));
      if (now == 0) {
        Thread.yield();
      }
      received += now;
    }
  }
}
