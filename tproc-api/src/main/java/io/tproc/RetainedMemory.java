package io.tproc;

/**
 * Keeps a threadproc's memory beyond its {@link ThreadProc#close}: made by {@link
 * ThreadProc#retainMemory}. The memory is given back when the threadproc and all that retain it are
 * closed, and in any case when the host is. One that is not reachable any more is closed.
 *
 * <p>Thread-safe.
 */
public interface RetainedMemory extends AutoCloseable {
  /**
   * Whose memory it is.
   *
   * @return the threadproc, running, ended or closed
   */
  ThreadProc program();

  /**
   * Retains it no more. Calls after the first do nothing.
   *
   * @throws IllegalStateException when this gives the memory back and a call into native code uses
   *     a view of it; the memory stays until the next call of this method
   */
  @Override
  void close();
}
