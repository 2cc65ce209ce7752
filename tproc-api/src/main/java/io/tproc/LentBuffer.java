package io.tproc;

import java.nio.Buffer;

/**
 * A direct buffer whose address programs have: made by {@link TprocHost#lend}. The host keeps the
 * buffer until this is closed, so that the garbage collector does not free what programs use.
 *
 * <p>Thread-safe.
 */
public interface LentBuffer extends AutoCloseable {
  /**
   * Where it begins.
   *
   * @return the address of the buffer's index 0, as {@link TprocHost#addressOf(Buffer)}
   * @throws IllegalStateException when this is closed
   */
  long address();

  /**
   * How large it is.
   *
   * @return bytes from there up to the buffer's capacity
   */
  long size();

  /**
   * Closes this when a program has ended, and not before: for who starts a program and does not
   * wait for it. A child that the program has forked has a buffer of its own, if any.
   *
   * @param program who uses the address
   * @return this
   */
  LentBuffer untilEndOf(ThreadProc program);

  /** Gives the buffer back to the garbage collector. Calls after the first do nothing. */
  @Override
  void close();
}
