package io.tproc.bench;

import io.tproc.share.Channel;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/** Round trips of a thread of Java: nanoseconds for each. */
final class RoundTrips {
  /** Bytes of a message. */
  static final int SIZE = 48;

  private RoundTrips() {}

  /** Through two channels. */
  static double through(Channel there, Channel back, int count) throws InterruptedException {
    ByteBuffer data = ByteBuffer.allocate(SIZE);
    long start = System.nanoTime();
    for (int i = 0; i < count; i++) {
      there.send(data);
      back.receive();
    }
    return (double) (System.nanoTime() - start) / count;
  }

  /** Two threads of Java, which hand something over in a SynchronousQueue. */
  static double ofThreads(int count) throws InterruptedException {
    SynchronousQueue<Integer> there = new SynchronousQueue<>();
    SynchronousQueue<Integer> back = new SynchronousQueue<>();
    Thread other =
        new Thread(
            () -> {
              try {
                for (int i = 0; i < count; i++) {
                  back.put(there.take());
                }
              } catch (InterruptedException nobodyDoes) {
                Thread.currentThread().interrupt();
              }
            });
    other.start();
    long start = System.nanoTime();
    for (int i = 0; i < count; i++) {
      there.put(i);
      back.take();
    }
    double each = (double) (System.nanoTime() - start) / count;
    other.join();
    return each;
  }

  /** Two threads of Java, each of which parks until the other has counted on. */
  static double ofParked(int count) throws InterruptedException {
    AtomicInteger turns = new AtomicInteger();
    Thread asker = Thread.currentThread();
    Thread other = new Thread(() -> takeTurns(turns, 1, count, asker));
    other.start();
    long start = System.nanoTime();
    takeTurns(turns, 0, count, other);
    awaitTurn(turns, 2 * count);
    double each = (double) (System.nanoTime() - start) / count;
    other.join();
    return each;
  }

  /** Takes every second turn, and wakes the one who has the next. */
  private static void takeTurns(AtomicInteger turns, int first, int count, Thread next) {
    for (int i = 0; i < count; i++) {
      awaitTurn(turns, first + 2 * i);
      turns.incrementAndGet();
      LockSupport.unpark(next);
    }
  }

  private static void awaitTurn(AtomicInteger turns, int turn) {
    while (turns.get() != turn) {
      LockSupport.park(turns);
    }
  }

  /** Through two pipes. */
  static double through(OutputStream there, InputStream back, int count) throws IOException {
    byte[] data = new byte[SIZE];
    long start = System.nanoTime();
    for (int i = 0; i < count; i++) {
      there.write(data);
      there.flush();
      back.readNBytes(data, 0, SIZE);
    }
    return (double) (System.nanoTime() - start) / count;
  }
}
