package io.tproc;

import java.util.List;
import java.util.Optional;

/**
 * A native program that runs in the address space of its {@link TprocHost}, as a Linux process of
 * its own.
 *
 * <p>All of {@link Process} works as for any other process: streams, pid, {@link #onExit()}, {@link
 * #toHandle()}, {@link #waitFor()}, {@link #destroy()} (SIGTERM) and {@link #destroyForcibly()}
 * (SIGKILL). What is added is an exit status that tells an exit from a crash, and an end of life
 * for the memory:
 *
 * <p><strong>Memory.</strong> What the program mapped stays readable after its exit, so that Java
 * never faults on a pointer it was given, until this handle is released: by {@link #close()}, by
 * {@link TprocHost#close()}, or by the garbage collector when no reference is left to an ended
 * threadproc's handle. What {@link TprocHost#view(long, long)} has made of it counts as one, and is
 * ended by its release; {@link #retainMemory} keeps it beyond {@link #close()}.
 *
 * <p>Close what has ended. A process may have only so many mappings ({@code vm.max_map_count}, by
 * default 65,530), and each ended program holds some dozen of them. When unclosed handles hold
 * many, a launch asks for a garbage collection; when those that are still reachable hold half of
 * all, it fails with {@link Errno#ENOMEM}.
 *
 * <p>Thread-safe. The streams are as the JDK's: what the program wrote before its exit can be read
 * after it.
 */
public abstract class ThreadProc extends Process implements AutoCloseable {
  /** For providers. */
  protected ThreadProc() {}

  /**
   * Waits until this threadproc has ended.
   *
   * @return how it ended
   * @throws InterruptedException when the calling thread is interrupted; the threadproc is not
   *     touched
   */
  public abstract ExitStatus waitForExit() throws InterruptedException;

  /**
   * How this threadproc ended, without waiting.
   *
   * @return empty while it runs
   */
  public abstract Optional<ExitStatus> exitStatus();

  /**
   * Where this threadproc was when it crashed. Made as well as it goes, from what the kernel told
   * at that moment.
   *
   * @return empty while it runs, when no signal of its own making has ended it, when it was not
   *     started with {@link ThreadProcBuilder#crashReport(boolean)}, and when it had executed
   *     another program
   */
  public Optional<CrashReport> crashReport() {
    return Optional.empty();
  }

  /**
   * Sends a signal to this threadproc: to it or not at all, never to another process that has got
   * its pid.
   *
   * @param number the signal's Linux number, 1 to 64; 0 sends nothing and only asks whether it runs
   * @return false when it has ended
   * @throws IllegalArgumentException when there is no such signal
   */
  public abstract boolean signal(int number);

  /**
   * Lists what this threadproc has mapped at this instant: in its slot, and outside of it where it
   * was allowed to. Also after its exit, until its memory is released.
   *
   * @return in the order of the addresses, but for mappings outside the slot, which come first
   * @throws IllegalStateException when this threadproc's memory has been released
   */
  public abstract List<MemoryMapping> memory();

  /**
   * Keeps this threadproc's memory beyond its end and its {@link #close()}, and with it all views
   * of it, until what is returned is closed, too.
   *
   * @return to be closed by the caller
   * @throws IllegalStateException when this threadproc's memory has been released
   */
  public abstract RetainedMemory retainMemory();

  /**
   * Kills this threadproc when it still runs, waits for its exit, closes its streams and releases
   * its memory, unless that {@linkplain #retainMemory() is retained}. From here on no pointer into
   * its memory may be used; views of it end as {@link TprocHost#view(long, long)} says. The exit
   * status stays known. Calls after the first do nothing.
   *
   * @throws IllegalStateException when a call into native code uses a view of its memory (Java 22
   *     and later). Then it has ended, but its memory and all views of it stay until the next call
   *     of this method
   */
  @Override
  public abstract void close();
}
