package io.tproc.jni;

import io.tproc.RetainedMemory;
import io.tproc.ThreadProc;
import java.util.concurrent.atomic.AtomicBoolean;

/** One of those whom a {@link ThreadProcHandle} counts. */
final class JniRetainedMemory implements RetainedMemory {
  /** What is left to do when this is forgotten: so it must not know this. */
  private static final class Release implements Runnable {
    private final JniThreadProc program;
    private final ThreadProcHandle handle;
    private final AtomicBoolean done = new AtomicBoolean();

    Release(JniThreadProc program, ThreadProcHandle handle) {
      this.program = program;
      this.handle = handle;
    }

    @Override
    public void run() {
      if (done.compareAndSet(false, true)) {
        handle.retainNoMore();
        handle.releaseIfClosed();
      }
    }
  }

  private final Release release;

  JniRetainedMemory(JniThreadProc program, ThreadProcHandle handle) {
    release = new Release(program, handle);
    handle.retain();
    JniHost.whenForgotten(this, release);
  }

  @Override
  public ThreadProc program() {
    return release.program;
  }

  @Override
  public void close() {
    release.run();
    // Again, for a second call: the first may have found a view in use.
    release.handle.releaseIfClosed();
  }

  @Override
  public String toString() {
    return "RetainedMemory[" + release.program + (release.done.get() ? ", closed]" : "]");
  }
}
