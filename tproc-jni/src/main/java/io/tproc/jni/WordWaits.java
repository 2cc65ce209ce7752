package io.tproc.jni;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Who waits at words of the shared heap: threads of programs do it in a futex, this JVM's do it all
 * in a few threads, so that none of them, and no carrier of a virtual thread, is held in native
 * code.
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

  /** Ends the threads. Who still waits gets an exception. */
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
