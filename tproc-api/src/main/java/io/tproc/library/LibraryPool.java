package io.tproc.library;

import io.tproc.TprocHost;
import io.tproc.spi.CalleeSupport;
import io.tproc.spi.StackRoom;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;

/**
 * Several instances of one library, side by side: for libraries that are not thread-safe, that
 * crash, or that leak. A call goes to an instance that is free, or waits for one; it may need
 * nothing that earlier calls have left in an instance. An instance that has ended is replaced
 * before its next call; so is one that is to be recycled ({@link LibraryBuilder#recycleAfter}).
 *
 * <p>Thread-safe. A call from a callback of this pool's goes to the instance that called back, when
 * it is made on the thread of the outer call.
 */
public final class LibraryPool implements AutoCloseable {
  private static final int CALLS_BETWEEN_COUNTS = 16;

  /** When to replace an instance that is well; 0 is never. */
  record Recycling(long calls, long bytes) {}

  /** What is done with an instance. */
  @FunctionalInterface
  public interface Use<R extends @Nullable Object> {
    /**
     * Uses the instance.
     *
     * @param library it, to be used until this returns. When it is closed, or ends otherwise, the
     *     pool starts another one for the next call
     * @return what {@link LibraryPool#with} returns
     * @throws Exception anything, which it throws
     */
    R use(ContainedLibrary library) throws Exception;
  }

  @FunctionalInterface
  interface InnerUse {
    @Nullable Object use(Member member);
  }

  private record Key(String name, Signature signature) {
    // Written out: a record's own keep the types of its components in a cache of the JDK's, and
    // with them the class loader of an application that is gone.
    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Key that
          && name.equals(that.name)
          && signature.equals(that.signature);
    }

    @Override
    public int hashCode() {
      return 31 * signature.hashCode() + name.hashCode();
    }
  }

  /** One place of the pool, which always has an instance. Used by one thread at a time. */
  static final class Member {
    private final BoundLibrary library;
    private final Map<Key, ContainedFunction> functions = new HashMap<>();
    private final Map<Class<?>, Object> proxies = new HashMap<>();
    private @Nullable Instance known;
    private long calls;

    Member(BoundLibrary library) {
      this.library = library;
    }

    ContainedFunction function(String name, Signature signature) {
      forgetTheEnded();
      return functions.computeIfAbsent(
          new Key(name, signature), key -> library.function(key.name, key.signature));
    }

    Object as(Class<?> type) {
      forgetTheEnded();
      return proxies.computeIfAbsent(type, library::as);
    }

    /** Who has it by {@link LibraryPool#with} may have restarted it. */
    private void forgetTheEnded() {
      if (known != library.instance()) {
        functions.clear();
        proxies.clear();
        known = library.instance();
      }
    }

    private void replace() throws IOException {
      calls = 0;
      library.restart();
    }

    private boolean isWornOut(Recycling recycling) {
      if (!library.isAlive() || library.instance().isEnding()) {
        return true;
      }
      boolean look = recycling.bytes > 0 && calls % CALLS_BETWEEN_COUNTS == 0 && calls > 0;
      return recycling.calls > 0 && calls >= recycling.calls
          || look && library.bytesInUse() > recycling.bytes;
    }
  }

  private final List<Member> members = new ArrayList<>();
  private final BlockingQueue<Member> free = new LinkedBlockingQueue<>();
  private final ThreadLocal<@Nullable Member> own = new ThreadLocal<>();
  private final Recycling recycling;
  private final String name;
  private final boolean interruptible;
  private volatile boolean closed;

  LibraryPool(
      TprocHost host, CalleeSupport support, Options options, int count, Recycling recycling)
      throws IOException {
    this.recycling = recycling;
    this.name = options.library();
    this.interruptible = options.interruptible();
    try {
      for (int i = 0; i < count; i++) {
        members.add(new Member(new BoundLibrary(host, support, options, true)));
      }
      free.addAll(members);
    } catch (Throwable failed) {
      close();
      throw failed;
    }
  }

  /**
   * A function of the library.
   *
   * @param function its symbol's name
   * @param result the type of what it returns
   * @param arguments the types of its arguments
   * @return the function; it is looked up by each call, which throws IllegalArgumentException when
   *     there is none
   */
  public ContainedFunction function(String function, CType result, CType... arguments) {
    return function(function, Signature.of(result, arguments));
  }

  /**
   * A function of the library.
   *
   * @param function its symbol's name
   * @param signature what it takes and gives
   * @return the function; it is looked up by each call, which throws IllegalArgumentException when
   *     there is none
   */
  public ContainedFunction function(String function, Signature signature) {
    Objects.requireNonNull(function, "function");
    Objects.requireNonNull(signature, "signature");
    return new PooledFunction(this, function, signature, null);
  }

  /**
   * The library as an object with a method for each function, as {@link ContainedLibrary#as}; each
   * call goes to an instance that is free.
   *
   * @param type an interface
   * @return the object
   * @throws IllegalArgumentException when the library cannot be one
   * @param <T> the interface
   */
  public <T> T as(Class<T> type) {
    Objects.requireNonNull(type, "type");
    inFree(member -> member.as(type));
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, arguments) -> invoke(type, proxy, method, arguments)));
  }

  private @Nullable Object invoke(
      Class<?> type, Object proxy, Method method, @Nullable Object @Nullable [] arguments)
      throws Throwable {
    if (method.getDeclaringClass() == Object.class) {
      return switch (method.getName()) {
        case "equals" -> arguments != null && proxy == arguments[0];
        case "hashCode" -> System.identityHashCode(proxy);
        default -> type.getSimpleName() + " of " + this;
      };
    }
    method.setAccessible(true);
    try {
      return withMember(member -> method.invoke(member.as(type), arguments));
    } catch (InvocationTargetException thrown) {
      throw thrown.getCause() != null ? thrown.getCause() : thrown;
    }
  }

  /**
   * Does several things with one instance, which no other thread uses meanwhile.
   *
   * @param use what is done
   * @return its result
   * @throws Exception what it throws
   * @throws UncheckedIOException when an instance has ended and cannot be replaced
   * @throws IllegalStateException when the pool is closed
   * @throws LibraryTurnException when this thread is interrupted while it waits for an instance
   * @param <R> the type of the result
   */
  @SuppressWarnings({"unchecked", "NullAway"}) // Whether it is null is the type argument's affair.
  public <R extends @Nullable Object> R with(Use<R> use) throws Exception {
    Objects.requireNonNull(use, "use");
    return (R) withMember(member -> use.use(member.library));
  }

  /** What uses a member and may throw. */
  @FunctionalInterface
  private interface ThrowingUse {
    @Nullable Object use(Member member) throws Exception;
  }

  private @Nullable Object withMember(ThrowingUse use) throws Exception {
    Member known = own.get();
    if (known != null) {
      return use.use(known);
    }
    StackRoom.requireUnderLock(); // or a member might not be given back
    Member member = take();
    own.set(member);
    try {
      member.calls++;
      return use.use(member);
    } finally {
      own.remove();
      free.add(member);
    }
  }

  @Nullable Object inFree(InnerUse use) {
    try {
      return withMember(use::use);
    } catch (RuntimeException unchecked) {
      throw unchecked;
    } catch (Exception ofCallback) {
      throw LibraryPool.<RuntimeException>asIs(ofCallback);
    }
  }

  /** A callback's exception is its author's business, checked or not. */
  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
  private static <T extends Throwable> T asIs(Throwable thrown) throws T {
    throw (T) thrown;
  }

  /** Waits for a member that is free, and makes sure that its instance is well. */
  private Member take() {
    Member member = takeFree();
    try {
      if (closed) {
        throw new IllegalStateException("the pool is closed: " + name);
      }
      if (member.isWornOut(recycling)) {
        member.replace();
      }
      return member;
    } catch (IOException failed) {
      free.add(member);
      throw new UncheckedIOException(failed);
    } catch (Throwable failed) {
      free.add(member); // also when closed: the thread that waits for one is to know it
      throw failed;
    }
  }

  private Member takeFree() {
    boolean interrupted = false;
    try {
      for (Member member = free.poll(); ; ) {
        if (member != null) {
          return member;
        }
        try {
          member = free.take();
        } catch (InterruptedException thrown) {
          interrupted = true;
          if (interruptible) {
            throw new LibraryTurnException("interrupted while all of " + this + " were in use");
          }
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /**
   * Closes all instances, as {@link ContainedLibrary#close} does: calls under way throw {@link
   * LibraryCrashedException}, and those that wait for an instance IllegalStateException. Calls
   * after the first do nothing; it throws nothing.
   */
  @Override
  public void close() {
    closed = true;
    members.forEach(member -> member.library.closeForGood());
  }

  @Override
  public String toString() {
    return "LibraryPool[" + members.size() + " of " + name + "]";
  }
}
