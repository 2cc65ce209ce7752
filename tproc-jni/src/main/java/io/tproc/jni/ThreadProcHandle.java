package io.tproc.jni;

import io.tproc.MemoryMapping;
import io.tproc.ThreadProc;
import io.tproc.spi.StackRoom;
import io.tproc.spi.ViewScope;
import java.io.IOException;
import java.lang.ref.Reference;
import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The pointer to one native threadproc, and the lock that keeps it from being used after it has
 * been freed. It does not keep its {@link JniThreadProc}, so that it can be released when that is
 * not reachable any more.
 */
final class ThreadProcHandle {
  private final ReentrantLock lock = new ReentrantLock();
  private final HostState host;

  /** What {@link HostState} finds this handle by: the pointer, never to be used as one. */
  private final long key;

  /** 0 once it has been freed; under the lock. */
  private long pointer;

  private volatile @Nullable WeakReference<JniThreadProc> user;

  /** How many mappings its ended program holds; -1: not counted yet; under the lock. */
  private int endedMappings = -1;

  /** Whether its user wants no memory any more; under the lock. */
  private boolean closed;

  /** How many {@link JniRetainedMemory} want it still; under the lock. */
  private int retainers;

  /** How many buffers over it nothing can end but the garbage collector; under the lock. */
  private int buffers;

  ThreadProcHandle(HostState host, long pointer) {
    this.host = host;
    this.key = pointer;
    this.pointer = pointer;
  }

  long key() {
    return key;
  }

  void belongsTo(JniThreadProc threadProc) {
    user = new WeakReference<>(threadProc);
  }

  /** Empty when it is not reachable any more. */
  Optional<ThreadProc> user() {
    WeakReference<JniThreadProc> reference = user;
    return reference == null ? Optional.empty() : Optional.ofNullable(reference.get());
  }

  /** The collector takes it, too: left locked, it would stop the whole host. */
  private void lock() {
    StackRoom.requireUnderLock();
    lock.lock();
  }

  List<MemoryMapping> memory() {
    lock();
    try {
      if (pointer == 0) {
        throw new IllegalStateException("the threadproc is closed");
      }
      return Listings.mappings(Native.memory(pointer));
    } finally {
      lock.unlock();
    }
  }

  /** How many mappings its program holds, which has ended and changes them no more. */
  int endedMappings() {
    lock();
    try {
      if (pointer == 0) {
        return 0;
      }
      if (endedMappings < 0) {
        endedMappings = Listings.mappings(Native.memory(pointer)).size();
      }
      return endedMappings;
    } finally {
      lock.unlock();
    }
  }

  int pid() {
    lock();
    try {
      return Native.pid(pointer);
    } finally {
      lock.unlock();
    }
  }

  /** What the kernel would say of its executable; empty when it has been freed. */
  List<String> executed() {
    lock();
    try {
      return pointer == 0 ? List.of() : ByteStrings.split(Native.executed(pointer));
    } finally {
      lock.unlock();
    }
  }

  /** enum tproc_exec; 0 when it has been freed. */
  int exec() {
    lock();
    try {
      return pointer == 0 ? 0 : Native.exec(pointer);
    } finally {
      lock.unlock();
    }
  }

  /** Null when no crash of it is known. */
  byte @Nullable [] crash() {
    lock();
    try {
      return pointer == 0 ? null : Native.crash(pointer);
    } finally {
      lock.unlock();
    }
  }

  void watch(long id) throws IOException {
    lock();
    try {
      Native.watch(pointer, id);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Sends a signal; to the program or not at all, never to another that has got its pid.
   *
   * @return false when the program has ended
   */
  boolean signal(int signal) throws IOException {
    lock();
    try {
      return pointer != 0 && Native.signal(pointer, signal);
    } finally {
      lock.unlock();
    }
  }

  /** A buffer over its memory, which keeps its user. */
  ByteBuffer view(long address, int size) {
    lock();
    try {
      JniThreadProc program = viewer();
      return program.views().buffer(address, size).orElseGet(() -> counted(program, address, size));
    } finally {
      lock.unlock();
    }
  }

  /** How long views of its memory may be used. */
  ViewScope scope() {
    lock();
    try {
      return viewer().views();
    } finally {
      lock.unlock();
    }
  }

  private JniThreadProc viewer() {
    WeakReference<JniThreadProc> reference = user;
    JniThreadProc program = reference == null ? null : reference.get();
    if (pointer == 0 || program == null || (closed && retainers == 0)) {
      throw new IllegalStateException("the threadproc is closed");
    }
    return program;
  }

  /** Nothing ends this buffer: so the memory stays as long as it is reachable. */
  private ByteBuffer counted(JniThreadProc program, long address, int size) {
    ByteBuffer buffer = Native.view(address, size).order(ByteOrder.nativeOrder());
    buffers++;
    host.keep();
    JniHost.whenForgotten(
        buffer,
        () -> {
          bufferIsGone();
          Reference.reachabilityFence(program); // which is therefore kept until now
        });
    return buffer;
  }

  private void bufferIsGone() {
    lock();
    try {
      buffers--;
    } finally {
      lock.unlock();
    }
    releaseIfClosed();
    host.keepNoMore();
  }

  void retain() {
    lock();
    try {
      viewer();
      retainers++;
    } finally {
      lock.unlock();
    }
  }

  void retainNoMore() {
    lock();
    try {
      retainers = Math.max(retainers - 1, 0); // the host may have closed
    } finally {
      lock.unlock();
    }
  }

  /**
   * Gives back the memory of an ended threadproc, at once or as soon as nobody has a use for it any
   * more. Does nothing when that has been done, or when it has not ended.
   *
   * @throws IllegalStateException when a call into native code uses a view of it: nothing has been
   *     done
   */
  void release() {
    lock();
    try {
      closed = true;
      releaseIfClosed();
    } finally {
      lock.unlock();
    }
  }

  void releaseIfClosed() {
    lock();
    try {
      if (!closed || pointer == 0 || retainers > 0) {
        return;
      }
      if (!endViews()) {
        throw new IllegalStateException(
            "a call into native code uses a view of the threadproc's memory: close it again later");
      }
      if (buffers == 0 && Native.release(pointer)) {
        pointer = 0;
        // Last, and under the lock: a host that closes waits for what it still finds in its map.
        host.forget(this);
      }
    } finally {
      lock.unlock();
    }
  }

  private boolean endViews() {
    WeakReference<JniThreadProc> reference = user;
    JniThreadProc program = reference == null ? null : reference.get();
    return program == null || program.views().end(); // each view keeps the user
  }

  /**
   * As {@link #release}, for a host that closes: whatever is retained, too.
   *
   * @return false when a call into native code uses a view of it: nothing has been done
   */
  boolean releaseWithHost() {
    lock();
    try {
      retainers = 0;
      if (!endViews()) {
        return false;
      }
      release();
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** The host is about to free everything at once. */
  void invalidate() {
    lock();
    try {
      pointer = 0;
    } finally {
      lock.unlock();
    }
  }
}
