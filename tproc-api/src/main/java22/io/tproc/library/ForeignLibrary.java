package io.tproc.library;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.Objects;
import java.util.OptionalLong;

/**
 * A library as {@link Linker} and {@link SymbolLookup} have it: the methods have the same names,
 * arguments and results, so that code made for them, such as jextract's, works with a {@link
 * ContainedLibrary} in the place of {@code Linker.nativeLinker()}.
 */
interface ForeignLibrary {
  /**
   * As {@link ContainedLibrary#symbol}.
   *
   * @param name its name
   * @return its address, or empty
   */
  OptionalLong symbol(String name);

  /**
   * Looks for symbols of the library.
   *
   * @return a lookup of the instance that runs at the time of each look
   */
  default SymbolLookup symbolLookup() {
    return name -> {
      OptionalLong address = symbol(name);
      return address.isPresent()
          ? java.util.Optional.of(MemorySegment.ofAddress(address.getAsLong()))
          : java.util.Optional.empty();
    };
  }

  /**
   * As {@link Linker#downcallHandle(MemorySegment, FunctionDescriptor, Linker.Option...)}. What the
   * handle throws is what {@link ContainedFunction#call} throws.
   *
   * @param symbol the function's address
   * @param function what it takes and gives
   * @param options {@code firstVariadicArg} and {@code captureCallState("errno")}
   * @return the handle, which belongs to the instance that runs now
   * @throws IllegalArgumentException when the function cannot be described, or an option is another
   */
  default MethodHandle downcallHandle(
      MemorySegment symbol, FunctionDescriptor function, Linker.Option... options) {
    Objects.requireNonNull(symbol, "symbol");
    Objects.requireNonNull(function, "function");
    Objects.requireNonNull(options, "options");
    return ForeignCall.handle((ContainedLibrary) this, symbol.address(), function, options);
  }

  /**
   * As {@link #downcallHandle(MemorySegment, FunctionDescriptor, Linker.Option...)}, for a name.
   *
   * @param name the function's name
   * @param function what it takes and gives
   * @param options see there
   * @return the handle
   * @throws IllegalArgumentException also when there is no such symbol
   */
  default MethodHandle downcallHandle(
      String name, FunctionDescriptor function, Linker.Option... options) {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(function, "function");
    Objects.requireNonNull(options, "options");
    long address =
        symbol(name).orElseThrow(() -> new IllegalArgumentException("no " + name + " in " + this));
    return ForeignCall.handle((ContainedLibrary) this, address, function, options);
  }

  /**
   * As {@link Linker#downcallHandle(FunctionDescriptor, Linker.Option...)}: for function pointers,
   * such as members of structs. jextract makes such a handle for each type of them.
   *
   * @param function what it takes and gives
   * @param options see {@link #downcallHandle(MemorySegment, FunctionDescriptor, Linker.Option...)}
   * @return the handle, whose first argument is the function's address; it belongs to the library,
   *     not to an instance
   * @throws IllegalArgumentException when the function cannot be described, or an option is another
   */
  default MethodHandle downcallHandle(FunctionDescriptor function, Linker.Option... options) {
    Objects.requireNonNull(function, "function");
    Objects.requireNonNull(options, "options");
    return ForeignCall.handle((ContainedLibrary) this, function, options);
  }

  /**
   * As {@link Linker#defaultLookup}: what {@code dlsym} finds in the library and in what it needs,
   * the C library among them.
   *
   * @return the same as {@link #symbolLookup}
   */
  default SymbolLookup defaultLookup() {
    return symbolLookup();
  }

  /**
   * As {@link Linker#upcallStub}. What the target throws is thrown by the call that the library was
   * in, where the JDK's own ends the JVM.
   *
   * @param target what runs
   * @param function what C calls it with
   * @param arena with whose end the stub is freed; restricted methods are used for this
   * @return the stub
   * @throws IllegalArgumentException when the function cannot be described
   */
  @SuppressWarnings("restricted") // Said above; no other way leads to the end of an arena.
  default MemorySegment upcallStub(MethodHandle target, FunctionDescriptor function, Arena arena) {
    Objects.requireNonNull(target, "target");
    Objects.requireNonNull(function, "function");
    Objects.requireNonNull(arena, "arena");
    Callback callback = ForeignCall.callback((ContainedLibrary) this, target, function);
    try {
      return MemorySegment.ofAddress(callback.address())
          .reinterpret(arena, unused -> callback.close());
    } catch (RuntimeException closed) { // the arena is, or another thread's
      callback.close();
      throw closed;
    }
  }
}
