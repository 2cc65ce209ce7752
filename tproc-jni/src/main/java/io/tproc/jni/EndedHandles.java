package io.tproc.jni;

import static java.util.concurrent.TimeUnit.MILLISECONDS;

import io.tproc.Errno;
import io.tproc.LaunchException;
import java.io.BufferedReader;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The handles of programs that have ended and are not closed. Each holds its program's mappings, of
 * which a process may have only so many (vm.max_map_count): a JVM that gets no more of them ends. A
 * Java program that never closes gives the garbage collector no reason to run, since a handle is
 * small on the Java heap. So a launch that finds many asks for a collection, and fails when that
 * does not help. So does one that lacks what they may hold: memory, fixed addresses, descriptors.
 */
final class EndedHandles {
  /** Up to so many are not even counted. */
  private static final int FEW = 16;

  /** Each has a slot, too, and there are 4,096. */
  private static final int MANY = 1024;

  /** A collection that finds no handle is tried again when there are a quarter more. */
  private static final int GROWTH = 4;

  /** Handles that were found unreachable are released one soon after the other. */
  private static final long RELEASE_MILLIS = 200;

  private static final long USUAL_MAX_MAPPINGS = 65_530;

  private final Set<ThreadProcHandle> handles = ConcurrentHashMap.newKeySet();
  private final ReentrantLock lock = new ReentrantLock();
  private final Semaphore released = new Semaphore(0);
  private final long maxMappings = maxMappings();

  /** How many were left by the last collection; under the lock. */
  private int left;

  /** Whether one has been added since the last collection. */
  private volatile boolean added;

  /** Whether it was said that there are many; under the lock. */
  private boolean warned;

  private static long maxMappings() {
    // Not Files.readString: it reads a file without a size bytewise, and this one has an end then.
    try (BufferedReader file = Files.newBufferedReader(Path.of("/proc/sys/vm/max_map_count"))) {
      return Long.parseLong(file.readLine());
    } catch (IOException | NumberFormatException unknown) {
      return USUAL_MAX_MAPPINGS;
    }
  }

  void add(ThreadProcHandle handle) {
    handles.add(handle);
    added = true;
  }

  /** Under the handle's own lock, which is taken after this class's: so it takes none here. */
  void remove(ThreadProcHandle handle) {
    if (handles.remove(handle) && released.availablePermits() == 0) {
      released.release(); // one is enough: the waiter looks at all
    }
  }

  /**
   * Before a launch: when much is held, what is not reachable any more is released.
   *
   * @throws LaunchException when what is reachable holds half of the mappings that there may be
   */
  void makeRoom() throws LaunchException {
    if (handles.size() < FEW) {
      return;
    }
    lock.lock();
    try {
      long mappings = mappings();
      boolean full = mappings > maxMappings / 2;
      boolean due = handles.size() >= left + left / GROWTH;
      if (full || (due && (mappings > maxMappings / 4 || handles.size() > MANY))) {
        collect();
      }
      if (full && mappings() > maxMappings / 2) {
        throw new LaunchException(Errno.ENOMEM, tooMany());
      }
    } finally {
      lock.unlock();
    }
  }

  /** Whether a program has ended since the last collection, and its handle is not closed. */
  boolean mayGo() {
    return added && !handles.isEmpty();
  }

  /** After a launch that failed: true when there may be now what it lacked. */
  boolean madeRoom(int errno) {
    lock.lock();
    try {
      int before = handles.size();
      return switch (errno) {
        case Errno.ENOMEM -> before > 0 && collect() < before;
        // Of fixed addresses. Those who keep their handles do not pay for it at each launch.
        case Errno.EADDRINUSE -> mayGo() && collectTwice() < before;
        // Streams that nobody reads, of programs whose descendants may write to them still.
        case Errno.EMFILE, Errno.ENFILE -> {
          collect();
          Uninterruptibly.run(() -> MILLISECONDS.sleep(RELEASE_MILLIS)); // a cleaner closes them
          yield true;
        }
        default -> false;
      };
    } finally {
      lock.unlock();
    }
  }

  private long mappings() {
    return handles.stream().mapToLong(ThreadProcHandle::endedMappings).sum();
  }

  /** Returns how many are left. The caller holds the lock. */
  private int collect() {
    added = false;
    if (!warned && !handles.isEmpty()) {
      warned = true;
      System.getLogger("io.tproc.jni")
          .log(
              Level.WARNING,
              "{0} programs have ended, and their handles are not closed: asking the garbage"
                  + " collector for those that are not reachable. ThreadProc.close() is better.",
              handles.size());
    }
    System.gc();
    Uninterruptibly.run(
        () -> {
          while (!handles.isEmpty() && released.tryAcquire(RELEASE_MILLIS, MILLISECONDS)) {
            // another one has been released
          }
        });
    left = handles.size();
    return left;
  }

  /** The thread that has told of an end may hold the handle for a moment longer. */
  private int collectTwice() {
    int before = handles.size();
    return collect() < before ? left : collect();
  }

  private String tooMany() {
    return "launch: "
        + handles.size()
        + " programs that have ended hold "
        + mappings()
        + " of "
        + maxMappings
        + " mappings (vm.max_map_count), since their handles are reachable and not closed:"
        + " call ThreadProc.close()";
  }
}
