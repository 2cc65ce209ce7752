package io.tproc.bench;

import java.lang.invoke.MethodHandle;
import java.lang.reflect.Array;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.Optional;

/**
 * Functions of a library in this process, by java.lang.foreign where there is one; without it at
 * compile time.
 */
final class ForeignPeer {
  private static final String PACKAGE = "java.lang.foreign.";

  private ForeignPeer() {}

  /** A function that takes so many longs and gives one; empty before Java 22. */
  static Optional<MethodHandle> function(String library, String name, int arguments) {
    if (Runtime.version().feature() < 22) {
      return Optional.empty();
    }
    try {
      Object linker = invokeStatic(type("Linker"), "nativeLinker");
      Object symbol = symbol(library, name);
      Object options = Array.newInstance(type("Linker$Option"), 0);
      return Optional.of(
          (MethodHandle)
              type("Linker")
                  .getMethod(
                      "downcallHandle",
                      type("MemorySegment"),
                      type("FunctionDescriptor"),
                      options.getClass())
                  .invoke(linker, symbol, descriptor(arguments), options));
    } catch (ReflectiveOperationException unexpected) {
      throw new IllegalStateException(unexpected);
    }
  }

  /** Those of few arguments as fast as they can be called; those of more do more. */
  static long call(MethodHandle function, long... arguments) {
    try {
      return switch (arguments.length) {
        case 1 -> (long) function.invokeExact(arguments[0]);
        case 2 -> (long) function.invokeExact(arguments[0], arguments[1]);
        case 3 -> (long) function.invokeExact(arguments[0], arguments[1], arguments[2]);
        default -> (long) function.invokeWithArguments(Arrays.stream(arguments).boxed().toList());
      };
    } catch (RuntimeException | Error failed) {
      throw failed;
    } catch (Throwable impossible) {
      throw new AssertionError(impossible);
    }
  }

  private static Class<?> type(String name) throws ClassNotFoundException {
    return Class.forName(PACKAGE + name);
  }

  private static Object invokeStatic(Class<?> type, String name)
      throws ReflectiveOperationException {
    return type.getMethod(name).invoke(null);
  }

  private static Object symbol(String library, String name) throws ReflectiveOperationException {
    Object arena = invokeStatic(type("Arena"), "global");
    Method lookup = type("SymbolLookup").getMethod("libraryLookup", String.class, type("Arena"));
    Object found =
        type("SymbolLookup")
            .getMethod("find", String.class)
            .invoke(lookup.invoke(null, library, arena), name);
    return ((Optional<?>) found).orElseThrow();
  }

  private static Object descriptor(int arguments) throws ReflectiveOperationException {
    Object layout = type("ValueLayout").getField("JAVA_LONG").get(null);
    Object[] layouts = (Object[]) Array.newInstance(type("MemoryLayout"), arguments);
    Arrays.fill(layouts, layout);
    return type("FunctionDescriptor")
        .getMethod("of", type("MemoryLayout"), layouts.getClass())
        .invoke(null, layout, layouts);
  }
}
