package io.tproc.spi;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import org.jspecify.annotations.Nullable;

/** What Java 17 cannot say about threads. */
public final class JavaThreads {
  private static final @Nullable MethodHandle IS_VIRTUAL = isVirtual();

  private JavaThreads() {}

  private static @Nullable MethodHandle isVirtual() {
    try {
      return MethodHandles.publicLookup()
          .findVirtual(Thread.class, "isVirtual", MethodType.methodType(boolean.class));
    } catch (ReflectiveOperationException olderJava) {
      return null;
    }
  }

  /**
   * Whether a thread is virtual.
   *
   * @param thread any
   * @return false before Java 21
   */
  public static boolean isVirtual(Thread thread) {
    try {
      return IS_VIRTUAL != null && (boolean) IS_VIRTUAL.invokeExact(thread);
    } catch (Error failed) { // a full stack
      throw failed;
    } catch (Throwable impossible) {
      throw new AssertionError(impossible);
    }
  }
}
