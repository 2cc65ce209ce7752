package io.tproc.jni;

import io.tproc.TprocListener;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * An open listener. Its {@link HostState} and the JVM's shutdown hooks keep it while it is open, so
 * that it goes on when its user has forgotten it; and it keeps its host.
 */
final class JniListener implements TprocListener {
  private static final long PATIENCE_MILLISECONDS = TimeUnit.SECONDS.toMillis(3);

  private final CountDownLatch closed = new CountDownLatch(1);
  private final AtomicBoolean closing = new AtomicBoolean();

  /** Never read: who listens keeps the host. */
  @SuppressWarnings({"unused", "FieldCanBeLocal"})
  private final JniHost host;

  private final HostState state;
  private final Path socket;
  private final Thread atExit;

  /** Of a struct tproc_server; used once, by the thread that closes it. */
  private final long pointer;

  JniListener(JniHost host, HostState state, Path socket, long pointer) {
    this.host = host;
    this.state = state;
    this.socket = socket;
    this.pointer = pointer;
    this.atExit = new Thread(null, this::endSoon, "tproc-listener-end", 0, false);
  }

  /**
   * Has the JVM's end close this listener.
   *
   * @throws IllegalStateException when the JVM is ending already
   */
  void closeAtExit() {
    Runtime.getRuntime().addShutdownHook(atExit);
  }

  @Override
  public Path socket() {
    return socket;
  }

  @Override
  public boolean isOpen() {
    return !closing.get();
  }

  @Override
  public void close() {
    end();
    try {
      Runtime.getRuntime().removeShutdownHook(atExit);
    } catch (IllegalStateException ending) {
      // The hook runs, or has run: it finds nothing left to do.
    }
  }

  /**
   * At the JVM's end: a launch under way may hang for as long as a dead file server is dead, and
   * the JVM must not wait for that.
   */
  private void endSoon() {
    Thread ending = new Thread(null, this::end, "tproc-listener-end", 0, false);
    ending.setDaemon(true);
    ending.start();
    Uninterruptibly.run(() -> ending.join(PATIENCE_MILLISECONDS));
  }

  /** Every call but the first waits for the first. */
  private void end() {
    if (closing.compareAndSet(false, true)) {
      try {
        Native.closeServer(pointer);
      } finally {
        state.forget(this);
        closed.countDown();
      }
    } else {
      Uninterruptibly.run(closed::await);
    }
  }

  @Override
  public String toString() {
    return "TprocListener[" + socket + ", " + (isOpen() ? "open" : "closed") + "]";
  }
}
