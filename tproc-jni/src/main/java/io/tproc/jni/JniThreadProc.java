package io.tproc.jni;

import io.tproc.CrashReport;
import io.tproc.ExitStatus;
import io.tproc.MemoryMapping;
import io.tproc.RetainedMemory;
import io.tproc.Signals;
import io.tproc.ThreadProc;
import io.tproc.spi.LaunchRequest;
import io.tproc.spi.Printable;
import io.tproc.spi.StackRoom;
import io.tproc.spi.ViewScope;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** A threadproc as its user holds it. While it runs, its {@link HostState} keeps it. */
final class JniThreadProc extends ThreadProc {
  private static final int EXEC_LEFT = 1;
  private static final int EXEC_REFUSED = 2;
  private static final int EXEC_SPILLED = 3;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition hasEnded = lock.newCondition();

  /**
   * Completed by the collector; users only get stages of it that run elsewhere, so that they cannot
   * keep the collector.
   */
  private final CompletableFuture<ExitStatus> exit = new CompletableFuture<>();

  /** Never read: who keeps a threadproc keeps its host. */
  @SuppressWarnings({"unused", "FieldCanBeLocal"})
  private final JniHost host;

  private final ThreadProcHandle handle;

  /** Here and not in the handle, which must not keep this object: a view does. */
  private final ViewScope views = new ViewScope(this);

  private final LaunchRequest request;
  private final Stdio.HostEnds streams;
  private final int pid;

  /** Null when there was no descriptor for it at the launch, which must not fail any more then. */
  private volatile @Nullable ProcessHandle processHandle;

  /** Null while the program runs; under the lock. */
  private @Nullable ExitStatus status;

  /** Null when it has not crashed, or nothing is known of it; under the lock. */
  private @Nullable CrashReport crash;

  /** Of the collector thread. */
  private boolean execTold;

  JniThreadProc(
      JniHost host, ThreadProcHandle handle, LaunchRequest request, Stdio.HostEnds streams) {
    this.host = host;
    this.handle = handle;
    this.request = request;
    this.streams = streams;
    this.pid = handle.pid();
    // The exit is not collected before the watch, so this is the program, be it dead already.
    this.processHandle = ProcessHandle.of(pid).orElse(null);
    JniHost.whenForgotten(this, handle::release);
  }

  boolean isAt(long threadproc) {
    return handle.key() == threadproc;
  }

  /**
   * On the collector thread: must neither wait nor throw, but for lack of memory, and then it may
   * be called again.
   */
  void exited(ExitStatus how, EndedHandles ended) {
    if (exitStatus().isPresent()) {
      return; // what failed was its user's
    }
    tellOfExec();
    ended.add(handle); // before the exit is known, and the handle released
    @Nullable CrashReport report = report();
    lock.lock();
    try {
      crash = report;
      status = how;
      hasEnded.signalAll();
    } finally {
      lock.unlock();
    }
    try {
      streams.processExited();
    } finally {
      exit.complete(how);
    }
    FlightRecords.exited(pid, how, report);
    if (report != null) {
      log(Level.WARNING, "{0} (pid {1,number,#}) crashed: {2}", report);
    }
  }

  /** On the collector thread, when there may be news: once, and before the exit. */
  void tellOfExec() {
    if (execTold) {
      return;
    }
    switch (handle.exec()) {
      case EXEC_LEFT -> {
        execTold = true;
        FlightRecords.left(pid, request.program());
        log(
            Level.INFO,
            "{0} (pid {1,number,#}) has executed another program, and left the address space");
      }
      case EXEC_SPILLED -> {
        execTold = true;
        FlightRecords.left(pid, request.program());
        log(
            Level.INFO,
            "{0} (pid {1,number,#}) is an ordinary process: the fixed addresses that it needs were"
                + " taken");
      }
      case EXEC_REFUSED -> {
        execTold = true;
        log(
            Level.WARNING,
            "{0} (pid {1,number,#}) wanted to execute another program, with which it would leave"
                + " the address space: refused, since it was started to stay");
      }
      default -> {}
    }
  }

  private @Nullable CrashReport report() {
    return request.crashReport() ? CrashReports.of(handle).orElse(null) : null;
  }

  private void log(Level level, String text, Object... more) {
    Object[] values = new Object[2 + more.length];
    values[0] = Printable.text(request.program());
    values[1] = pid;
    System.arraycopy(more, 0, values, 2, more.length);
    try {
      System.getLogger("io.tproc.jni").log(level, text, values);
    } catch (RuntimeException ignored) {
      // A handler of the application's: not the collector's concern.
    }
  }

  @Override
  public ExitStatus waitForExit() throws InterruptedException {
    StackRoom.require();
    lock.lock();
    try {
      while (status == null) {
        hasEnded.await();
      }
      return status;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public Optional<ExitStatus> exitStatus() {
    StackRoom.requireUnderLock();
    lock.lock();
    try {
      return Optional.ofNullable(status);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public Optional<CrashReport> crashReport() {
    StackRoom.requireUnderLock();
    lock.lock();
    try {
      return Optional.ofNullable(crash);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public int waitFor() throws InterruptedException {
    return waitForExit().exitValue();
  }

  @Override
  public boolean waitFor(long timeout, TimeUnit unit) throws InterruptedException {
    long remaining = unit.toNanos(timeout);
    StackRoom.require();
    lock.lock();
    try {
      while (status == null && remaining > 0) {
        remaining = hasEnded.awaitNanos(remaining);
      }
      return status != null;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public int exitValue() {
    return exitStatus()
        .orElseThrow(() -> new IllegalThreadStateException("process hasn't exited"))
        .exitValue();
  }

  @Override
  public boolean isAlive() {
    return exitStatus().isEmpty();
  }

  @Override
  public CompletableFuture<Process> onExit() {
    return exit.handleAsync((unusedStatus, unusedFailure) -> this);
  }

  @Override
  public OutputStream getOutputStream() {
    return streams.input();
  }

  @Override
  public InputStream getInputStream() {
    return streams.output();
  }

  @Override
  public InputStream getErrorStream() {
    return streams.error();
  }

  @Override
  public long pid() {
    return pid;
  }

  @Override
  public ProcessHandle toHandle() {
    @Nullable ProcessHandle known = processHandle;
    if (known == null) {
      known =
          ProcessHandle.of(pid)
              .filter(each -> isAlive()) // so the number is still its
              .orElseThrow(() -> new IllegalStateException("no process " + pid + " in /proc"));
      processHandle = known;
    }
    return known;
  }

  @Override
  public ProcessHandle.Info info() {
    ProcessHandle.Info kernel = toHandle().info();
    List<String> executed = handle.executed();
    boolean isHosted = isAlive() && !executed.isEmpty() && !hasLeft(kernel);
    return isHosted ? new ThreadProcInfo(executed, request.command(), kernel) : kernel;
  }

  /** A moment later the host knows it, too. */
  private boolean hasLeft(ProcessHandle.Info kernel) {
    Optional<String> file = kernel.command(); // the host's, as that of its memory
    int exec = handle.exec();
    return exec == EXEC_LEFT
        || exec == EXEC_SPILLED
        || (file.isPresent() && !file.equals(ProcessHandle.current().info().command()));
  }

  @Override
  public boolean supportsNormalTermination() {
    return true;
  }

  @Override
  public void destroy() {
    signal(Signals.SIGTERM);
    closeStreams();
  }

  @Override
  public Process destroyForcibly() {
    signal(Signals.SIGKILL);
    closeStreams();
    return this;
  }

  /**
   * Ends the program and nothing else: its exit is collected and its streams are drained as always.
   */
  void kill() {
    signal(Signals.SIGKILL);
  }

  @Override
  public boolean signal(int number) {
    if (number < 0 || number > Signals.SIGRTMAX) {
      throw new IllegalArgumentException("signal out of range 0-64: " + number);
    }
    try {
      return handle.signal(number);
    } catch (IOException refused) { // EPERM: the program has changed its user
      System.getLogger("io.tproc.jni").log(Level.WARNING, refused::getMessage);
      return true;
    }
  }

  @Override
  public List<MemoryMapping> memory() {
    return handle.memory();
  }

  ViewScope views() {
    return views;
  }

  @Override
  public RetainedMemory retainMemory() {
    return new JniRetainedMemory(this, handle);
  }

  private void closeStreams() {
    closeQuietly(streams.input());
    closeQuietly(streams.output());
    closeQuietly(streams.error());
  }

  private static void closeQuietly(Closeable stream) {
    try {
      stream.close();
    } catch (IOException ignored) {
      // As ProcessImpl: it is being destroyed.
    }
  }

  @Override
  public void close() {
    StackRoom.require();
    kill();
    Uninterruptibly.run(this::waitForExit);
    // Not the input: flushing it could wait for a descendant that does not read, and the exit has
    // closed it.
    closeQuietly(streams.output());
    closeQuietly(streams.error());
    handle.release();
  }

  @Override
  public String toString() {
    return "ThreadProc[pid="
        + pid
        + ", "
        + exitStatus().map(ExitStatus::toString).orElse("running")
        + "]";
  }
}
