package io.tproc.jni;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Waits at words of the shared heap for this JVM's threads, in a few native ones, so that no thread
 * of Java and no carrier of a virtual thread is held in native code. A program's thread waits in a
 * futex instead.
 */
final class WordWaits {
  private final long host;
  private final List<WaiterThread> threads = new ArrayList<>(); // guarded by this
  private boolean closed; // guarded by this

  WordWaits(long host) {
    this.host = host;
  }

  /** As {@code SharedMemory.changed}. The caller holds the host open. */
  CompletableFuture<Void> add(long address, int value, long since) {
    CompletableFuture<Void> changed = new CompletableFuture<>();
    WaiterThread.Wait wait = new WaiterThread.Wait(address, value, since, changed);
    synchronized (this) {
      if (closed) {
        changed.completeExceptionally(closed());
        return changed;
      }
      if (threads.stream().noneMatch(each -> each.offer(wait))) {
        WaiterThread fresh = new WaiterThread(host);
        fresh.offer(wait);
        fresh.start();
        threads.add(fresh);
      }
    }
    Native.waitRing(host);
    return changed;
  }

  private static IllegalStateException closed() {
    return new IllegalStateException("the host is closed");
  }

  /** Ends the threads. A wait under way ends in an exception. */
  void close() {
    List<WaiterThread> ending;
    synchronized (this) {
      closed = true;
      ending = List.copyOf(threads);
    }
    ending.forEach(WaiterThread::end);
    Native.waitRing(host);
    for (WaiterThread each : ending) {
      Uninterruptibly.run(each::join);
      each.left().forEach(wait -> wait.changed().completeExceptionally(closed()));
    }
  }
}
