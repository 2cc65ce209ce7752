package io.tproc.jni;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Sleeps at up to {@link #MAX} words in one system call, and completes the futures of those that
 * move.
 */
final class WaiterThread extends Thread {
  /** TPROC_WAITS_MAX. */
  private static final int MAX = 127;

  /** struct tproc_wait; {@code share.c} checks it. */
  private static final int SIZE = 24;

  private static final int SINCE = 8;
  private static final int VALUE = 16;
  private static final int MOVED = 20;

  /** One who waits. Removed when the future is done. */
  record Wait(long address, int value, long since, CompletableFuture<Void> changed) {}

  private final long host;
  private final ByteBuffer table =
      ByteBuffer.allocateDirect(MAX * SIZE).order(ByteOrder.nativeOrder());
  private final List<Wait> waits = new ArrayList<>(); // guarded by itself
  private volatile boolean ending;

  WaiterThread(long host) {
    super(null, null, "tproc-words", 0, false);
    this.host = host;
    setDaemon(true);
  }

  /** Adds a wait; the caller rings afterwards. @return false when there is no room */
  boolean offer(Wait wait) {
    synchronized (waits) {
      if (waits.size() >= MAX) {
        waits.removeIf(each -> each.changed().isDone());
      }
      return waits.size() < MAX && waits.add(wait);
    }
  }

  void end() {
    ending = true;
  }

  /** The waits that are left when the thread has ended. */
  List<Wait> left() {
    synchronized (waits) {
      return List.copyOf(waits);
    }
  }

  @Override
  public void run() {
    while (!ending) {
      long begun = Native.waitBegin(host);
      List<Wait> now = collect();
      for (int i = 0; i < now.size(); i++) {
        Wait wait = now.get(i);
        table.putLong(i * SIZE, wait.address()).putLong(i * SIZE + SINCE, wait.since());
        table.putInt(i * SIZE + VALUE, wait.value()).putInt(i * SIZE + MOVED, 0);
      }
      Native.awaitWords(host, begun, table, now.size());
      for (int i = 0; i < now.size(); i++) {
        if (table.getInt(i * SIZE + MOVED) != 0) {
          moved(now.get(i));
        }
      }
    }
  }

  private List<Wait> collect() {
    synchronized (waits) {
      waits.removeIf(each -> each.changed().isDone());
      return List.copyOf(waits);
    }
  }

  /** A wake-up may have been for one alone: when that one has gone, another has to have it. */
  private void moved(Wait wait) {
    if (!wait.changed().complete(null)) {
      Native.wakeAll(wait.address());
    }
  }
}
