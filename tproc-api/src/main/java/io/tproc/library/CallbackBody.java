package io.tproc.library;

import org.jspecify.annotations.Nullable;

/** What runs when a library calls a function pointer of ours. */
@FunctionalInterface
public interface CallbackBody {
  /**
   * Called on the Java thread whose call the library was in, or on a thread of tproc's when the
   * library calls from a thread of its own.
   *
   * @param arguments one for each argument, as {@link ContainedFunction#call} gives results
   * @return the result, as {@link ContainedFunction#call} takes arguments; null for no result, or 0
   * @throws Throwable anything. The library sees 0 as the result; the call that it was in throws
   *     this when it returns
   */
  @Nullable Object call(Object[] arguments) throws Throwable;
}
