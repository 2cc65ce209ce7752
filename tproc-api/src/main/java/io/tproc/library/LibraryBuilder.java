package io.tproc.library;

import io.tproc.ResourceLimit;
import io.tproc.TprocHost;
import io.tproc.spi.CalleeSupport;
import io.tproc.spi.StartState;
import java.io.File;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Prepares and opens contained libraries. Made by {@link TprocHost#libraryBuilder(String)}.
 *
 * <p>One builder can open several; what is changed later does not touch those that are open. Not
 * thread-safe.
 */
public final class LibraryBuilder {
  private static final int RTLD_LAZY = 1;
  private static final int RTLD_NOW = 2;
  private static final int RTLD_GLOBAL = 0x100;

  private final TprocHost host;
  private final CalleeSupport support;
  private final String library;
  private final List<String> preloaded = new ArrayList<>();
  private final Map<String, String> environment = new TreeMap<>(System.getenv());
  private @Nullable File directory;
  private Redirect input = Redirect.INHERIT;
  private Redirect output = Redirect.INHERIT;
  private Redirect error = Redirect.INHERIT;
  private LibraryThreads threads = LibraryThreads.OWN;
  private long stackSize;
  private boolean interruptible = true;
  private boolean lazy;
  private boolean global;
  private @Nullable Duration limit;
  private Duration startLimit = Duration.ofMinutes(1);
  private long spin = Spin.USUAL;
  private final Map<ResourceLimit, StartState.Limit> limits = new EnumMap<>(ResourceLimit.class);
  private LibraryPool.Recycling recycling = new LibraryPool.Recycling(0, 0);

  /**
   * For providers; users get one from {@link TprocHost#libraryBuilder(String)}.
   *
   * @param host that the library's process belongs to
   * @param support of the host's provider
   * @param library as {@code dlopen} takes it
   * @throws IllegalArgumentException when it is empty
   */
  public LibraryBuilder(TprocHost host, CalleeSupport support, String library) {
    Objects.requireNonNull(host, "host");
    Objects.requireNonNull(support, "support");
    this.host = host;
    this.support = support;
    this.library = Objects.requireNonNull(library, "library");
    if (library.isEmpty()) {
      throw new IllegalArgumentException("a library without a name");
    }
  }

  /**
   * Loads another library first, and makes its symbols available to those that follow: what the
   * library needs, but does not name itself.
   *
   * @param name as {@code dlopen} takes it
   * @return this builder
   */
  public LibraryBuilder preload(String name) {
    preloaded.add(Objects.requireNonNull(name, "name"));
    return this;
  }

  /**
   * Resolves functions when they are first called (RTLD_LAZY), and not when the library is loaded:
   * for libraries some of whose functions need what is not there.
   *
   * @param whether it is so; false unless set
   * @return this builder
   */
  public LibraryBuilder lazy(boolean whether) {
    lazy = whether;
    return this;
  }

  /**
   * Makes the library's symbols available to libraries that it loads itself (RTLD_GLOBAL): for
   * those with plug-ins.
   *
   * @param whether it is so; false unless set
   * @return this builder
   */
  public LibraryBuilder global(boolean whether) {
    global = whether;
    return this;
  }

  /**
   * The environment of the library's process: at first a copy of {@link System#getenv()}. {@code
   * LD_LIBRARY_PATH} is where libraries are looked for first.
   *
   * @return the live map
   */
  public Map<String, String> environment() {
    return environment;
  }

  /**
   * Limits what the library's process may use of a resource, as {@link
   * io.tproc.ThreadProcBuilder#limit(ResourceLimit, long, long)} does.
   *
   * @param resource what is limited
   * @param soft what counts at first, or {@link ResourceLimit#UNLIMITED}
   * @param hard not below the soft limit
   * @return this builder
   * @throws IllegalArgumentException when one is negative, or the soft limit is above the hard one
   */
  public LibraryBuilder limit(ResourceLimit resource, long soft, long hard) {
    limits.put(Objects.requireNonNull(resource, "resource"), new StartState.Limit(soft, hard));
    return this;
  }

  /**
   * Sets the working directory of the library's process.
   *
   * @param newDirectory a path of the default file system
   * @return this builder
   */
  public LibraryBuilder directory(Path newDirectory) {
    Objects.requireNonNull(newDirectory, "newDirectory");
    directory = newDirectory.toFile();
    return this;
  }

  /**
   * Sets where the library's standard input comes from; the JVM's unless set.
   *
   * @param source INHERIT or {@link Redirect#from}
   * @return this builder
   * @throws IllegalArgumentException when the redirect is one for writing
   */
  public LibraryBuilder redirectInput(Redirect source) {
    Objects.requireNonNull(source, "source");
    if (source.type() != Redirect.Type.READ && source.type() != Redirect.Type.INHERIT) {
      throw new IllegalArgumentException("not a redirect for reading: " + source);
    }
    input = source;
    return this;
  }

  /**
   * Sets where the library's standard output goes; to the JVM's unless set. With PIPE it can be
   * read from {@link ContainedLibrary#process()}, and must be, or the library hangs when the pipe
   * is full.
   *
   * @param destination PIPE, INHERIT, {@link Redirect#to} or {@link Redirect#appendTo}
   * @return this builder
   * @throws IllegalArgumentException when the redirect is one for reading
   */
  public LibraryBuilder redirectOutput(Redirect destination) {
    Objects.requireNonNull(destination, "destination");
    output = writing(destination);
    return this;
  }

  /**
   * As {@link #redirectOutput}, for standard error.
   *
   * @param destination PIPE, INHERIT, {@link Redirect#to} or {@link Redirect#appendTo}
   * @return this builder
   * @throws IllegalArgumentException when the redirect is one for reading
   */
  public LibraryBuilder redirectError(Redirect destination) {
    Objects.requireNonNull(destination, "destination");
    error = writing(destination);
    return this;
  }

  private static Redirect writing(Redirect redirect) {
    if (redirect.type() == Redirect.Type.READ) {
      throw new IllegalArgumentException("not a redirect for writing: " + redirect);
    }
    return redirect;
  }

  /**
   * Sets which thread of the library's process runs the calls of a Java thread.
   *
   * @param which {@link LibraryThreads#OWN} unless set
   * @return this builder
   */
  public LibraryBuilder threads(LibraryThreads which) {
    threads = Objects.requireNonNull(which, "which");
    return this;
  }

  /**
   * Sets how large the stacks of the threads that run calls are. The main thread's is as the host's
   * limit says.
   *
   * @param bytes at least 16 KiB; 0, as unless set, is the system's usual size
   * @return this builder
   * @throws IllegalArgumentException when it is smaller
   */
  public LibraryBuilder stackSize(long bytes) {
    if (bytes != 0 && bytes < 16384) {
      throw new IllegalArgumentException("a stack of less than 16 KiB: " + bytes);
    }
    stackSize = bytes;
    return this;
  }

  /**
   * Sets whether {@link Thread#interrupt} ends a call that waits for its return, by ending the
   * library, and one that waits for its turn or has not begun, by {@link LibraryTurnException}.
   *
   * @param whether it is so; true unless set. Otherwise an interrupt is kept until the call returns
   * @return this builder
   */
  public LibraryBuilder interruptible(boolean whether) {
    interruptible = whether;
    return this;
  }

  /**
   * Sets a time limit for every call, as {@link ContainedFunction#within} does for one function: it
   * begins when the call has its turn.
   *
   * @param newLimit more than zero
   * @return this builder
   */
  public LibraryBuilder callLimit(Duration newLimit) {
    Objects.requireNonNull(newLimit, "newLimit");
    limit = ContainedFunction.positive(newLimit);
    return this;
  }

  /**
   * Sets a time limit for what goes before calls: the loading of the library, and of each that is
   * preloaded, with what they run when they are loaded; the starting of a thread; and looking for
   * functions. What takes longer ends the library; but to wait so long for the main thread, which
   * runs a call ({@link LibraryThreads#MAIN}), is a {@link LibraryTurnException}.
   *
   * @param newLimit more than zero; a minute unless set
   * @return this builder
   */
  public LibraryBuilder startLimit(Duration newLimit) {
    Objects.requireNonNull(newLimit, "newLimit");
    startLimit = ContainedFunction.positive(newLimit);
    return this;
  }

  /**
   * Sets for how long a side that waits for the other looks again and again before it sleeps: what
   * comes meanwhile is there at once, and takes a processor's time. It is shortened where it does
   * not pay. With a single processor nothing spins.
   *
   * @param longest not negative; 100 microseconds unless set, and zero to sleep at once
   * @return this builder
   */
  public LibraryBuilder spin(Duration longest) {
    Objects.requireNonNull(longest, "longest");
    if (longest.isNegative()) {
      throw new IllegalArgumentException("a negative time: " + longest);
    }
    spin = TimeUnit.NANOSECONDS.convert(longest);
    return this;
  }

  /**
   * Starts a process and loads the library in it.
   *
   * @return the library, to be closed by the caller
   * @throws LibraryLoadException when the library cannot be loaded, or not in time, or this thread
   *     is interrupted, whose interrupt status is kept; nothing is left behind
   * @throws IOException when its process cannot be started; nothing is left behind
   * @throws IllegalStateException when the host is closed
   */
  public ContainedLibrary open() throws IOException {
    return new BoundLibrary(host, support, options(threads), false);
  }

  /**
   * Starts several instances of the library, for calls that need nothing of earlier ones: each call
   * goes to an instance that is free, on its main thread. An instance that has ended is replaced.
   *
   * @param count how many; at least 1
   * @return the pool, to be closed by the caller
   * @throws LibraryLoadException when the library cannot be loaded; nothing is left behind
   * @throws IOException when a process cannot be started; nothing is left behind
   * @throws IllegalArgumentException when the count is not positive
   * @throws IllegalStateException when the host is closed
   */
  public LibraryPool openPool(int count) throws IOException {
    if (count < 1) {
      throw new IllegalArgumentException("a pool of " + count + " instances");
    }
    return new LibraryPool(host, support, options(LibraryThreads.MAIN), count, recycling);
  }

  /**
   * Sets when a pool replaces an instance that is well: what leaks does not grow without end.
   *
   * @param calls after so many calls; 0, as unless set, for never
   * @param bytes after a call that left more than so many bytes in use, as {@link
   *     ContainedLibrary#bytesInUse} counts them (they are looked at after every 16th call); 0, as
   *     unless set, for never
   * @return this builder
   * @throws IllegalArgumentException when one is negative
   */
  public LibraryBuilder recycleAfter(long calls, long bytes) {
    if (calls < 0 || bytes < 0) {
      throw new IllegalArgumentException("negative: " + calls + " calls, " + bytes + " bytes");
    }
    recycling = new LibraryPool.Recycling(calls, bytes);
    return this;
  }

  private Options options(LibraryThreads which) {
    return new Options(
        library,
        List.copyOf(preloaded),
        (lazy ? RTLD_LAZY : RTLD_NOW) | (global ? RTLD_GLOBAL : 0),
        Map.copyOf(environment),
        directory,
        input,
        output,
        error,
        which,
        stackSize,
        interruptible,
        limit,
        startLimit,
        Spin.limit(spin),
        Map.copyOf(limits));
  }
}
