package io.tproc.library;

import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A function of whatever instance of a pool is free. */
final class PooledFunction extends ContainedFunction {
  private final LibraryPool pool;
  private final @Nullable Duration limit;

  PooledFunction(LibraryPool pool, String name, Signature signature, @Nullable Duration limit) {
    super(name, signature);
    this.pool = pool;
    this.limit = limit;
  }

  @Override
  public ContainedFunction within(Duration newLimit) {
    return new PooledFunction(pool, name(), signature(), positive(newLimit));
  }

  @Override
  public @Nullable Object call(@Nullable Object... arguments) {
    Objects.requireNonNull(arguments, "arguments; one that is null is (Object) null");
    return pool.inFree(
        instance -> {
          ContainedFunction function = instance.function(name(), signature());
          return (limit == null ? function : function.within(limit)).call(arguments);
        });
  }
}
