package io.tproc.library;

import static org.mockito.Mockito.mock;

/** Functions that no test calls. */
final class UncallableFunction {
  private UncallableFunction() {}

  static ContainedFunction of(String name, Signature signature) {
    return new PooledFunction(mock(LibraryPool.class), name, signature, null);
  }
}
