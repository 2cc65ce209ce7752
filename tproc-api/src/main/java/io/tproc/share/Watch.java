package io.tproc.share;

import io.tproc.spi.SharedMemory;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Looks at a condition at each change of the registry, until it holds. */
final class Watch<T> {
  final CompletableFuture<T> result = new CompletableFuture<>();

  private final SharedMemory memory;
  private final Supplier<@Nullable T> condition;
  private final long event;

  /** What is waited for, until the result is there, or was cancelled. */
  private volatile @Nullable CompletableFuture<Void> change;

  Watch(SharedMemory memory, Supplier<@Nullable T> condition) {
    this.memory = memory;
    this.condition = condition;
    this.event = memory.registryEvent();
    result.whenComplete((ignored, failed) -> giveUp());
  }

  void look() {
    try {
      long since = memory.begin();
      int key = memory.prepare(event);
      @Nullable T found = condition.get();
      if (found != null) {
        // Elsewhere: the thread that reports a change must not be held up by what depends on it.
        result.completeAsync(() -> found);
        return;
      }
      CompletableFuture<Void> next = memory.changed(event, key, since);
      change = next;
      next.whenComplete((ignored, failed) -> lookAgain(failed));
      if (result.isDone()) { // before there was a change to give up
        giveUp();
      }
    } catch (RuntimeException failed) {
      fail(failed);
    }
  }

  /** Elsewhere, too: who closes the host comes here as well. */
  private void fail(Throwable failed) {
    result.defaultExecutor().execute(() -> result.completeExceptionally(failed));
  }

  private void lookAgain(@Nullable Throwable failed) {
    if (result.isDone()) {
      return;
    }
    if (failed != null) {
      fail(failed);
    } else {
      look();
    }
  }

  private void giveUp() {
    CompletableFuture<Void> now = change;
    if (now != null) {
      now.cancel(false);
    }
  }
}
