package io.tproc.library;

import java.lang.foreign.AddressLayout;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.GroupLayout;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A function as a method handle of the type that the JDK's linker would give it. */
final class ForeignCall {
  private static final MethodHandle INVOKE = method(ForeignCall.class, "invoke");
  private static final MethodHandle INVOKE_AT = method(Shape.class, "invokeAt");

  private static MethodHandle method(Class<?> owner, String name) {
    try {
      MethodType type = MethodType.methodType(Object.class, Object[].class);
      return MethodHandles.lookup().findVirtual(owner, name, type);
    } catch (ReflectiveOperationException impossible) {
      throw new ExceptionInInitializerError(impossible);
    }
  }

  /** What is known of a function before its address. */
  private record Shape(
      ContainedLibrary library,
      Signature signature,
      FunctionDescriptor descriptor,
      boolean withState) {
    static Shape of(
        ContainedLibrary library, FunctionDescriptor descriptor, Linker.Option... options) {
      Signature signature = ForeignTypes.signature(descriptor);
      boolean withState = false;
      for (Linker.Option option : options) {
        int variadic = variadic(option, signature.arguments().size());
        if (variadic >= 0) {
          signature = signature.variadicAfter(variadic);
        } else if (option.equals(Linker.Option.captureCallState("errno"))) {
          withState = true;
        } else {
          throw new IllegalArgumentException("not an option for a contained library: " + option);
        }
      }
      return new Shape(library, signature, descriptor, withState);
    }

    ForeignCall at(long address) {
      return new ForeignCall(library, library.function(address, signature), descriptor, withState);
    }

    /** Called by the handle of a function pointer, which comes first. */
    Object invokeAt(Object... given) {
      long address = ((MemorySegment) given[0]).address();
      return at(address).invoke(Arrays.copyOfRange(given, 1, given.length));
    }
  }

  private final ContainedLibrary library;
  private final ContainedFunction function;
  private final FunctionDescriptor descriptor;
  private final boolean withState;

  private ForeignCall(
      ContainedLibrary library,
      ContainedFunction function,
      FunctionDescriptor descriptor,
      boolean withState) {
    this.library = library;
    this.function = function;
    this.descriptor = descriptor;
    this.withState = withState;
  }

  static MethodHandle handle(
      ContainedLibrary library,
      long address,
      FunctionDescriptor descriptor,
      Linker.Option... options) {
    ForeignCall call = Shape.of(library, descriptor, options).at(address);
    return collecting(INVOKE.bindTo(call), type(descriptor, call.withState));
  }

  /** A handle whose first argument is the function's address. */
  static MethodHandle handle(
      ContainedLibrary library, FunctionDescriptor descriptor, Linker.Option... options) {
    Shape shape = Shape.of(library, descriptor, options);
    MethodType type = type(descriptor, shape.withState());
    return collecting(INVOKE_AT.bindTo(shape), type.insertParameterTypes(0, MemorySegment.class));
  }

  private static MethodHandle collecting(MethodHandle invoke, MethodType type) {
    return invoke.asCollector(Object[].class, type.parameterCount()).asType(type);
  }

  /** An option does not tell its index, but equals another of the same one. */
  private static int variadic(Linker.Option option, int arguments) {
    for (int i = 0; i <= arguments; i++) {
      if (option.equals(Linker.Option.firstVariadicArg(i))) {
        return i;
      }
    }
    return -1;
  }

  private static MethodType type(FunctionDescriptor descriptor, boolean withState) {
    List<Class<?>> leading = new ArrayList<>();
    if (givesStruct(descriptor)) {
      leading.add(SegmentAllocator.class);
    }
    if (withState) {
      leading.add(MemorySegment.class);
    }
    return descriptor.toMethodType().insertParameterTypes(0, leading);
  }

  private static boolean givesStruct(FunctionDescriptor descriptor) {
    return descriptor.returnLayout().map(GroupLayout.class::isInstance).orElse(false);
  }

  /** Called by the handle. */
  Object invoke(Object... given) {
    int leading = (givesStruct(descriptor) ? 1 : 0) + (withState ? 1 : 0);
    Object[] arguments = new Object[given.length - leading];
    for (int i = 0; i < arguments.length; i++) {
      arguments[i] = ForeignTypes.toC(given[leading + i], descriptor.argumentLayouts().get(i));
    }
    Object result = callKeeping(given, arguments);
    if (withState) {
      ((MemorySegment) given[leading - 1])
          .set(ValueLayout.JAVA_INT, errnoOffset(), library.errno());
    }
    if (givesStruct(descriptor)) {
      return copy((ByteBuffer) result, (SegmentAllocator) given[0]);
    }
    return descriptor
        .returnLayout()
        .map(layout -> ForeignTypes.toJava(result, layout))
        .orElse(null);
  }

  /** The addresses alone do not keep what an automatic arena has. */
  private Object callKeeping(Object[] given, Object[] arguments) {
    try {
      return function.call(arguments);
    } finally {
      Reference.reachabilityFence(given);
    }
  }

  private static long errnoOffset() {
    return Linker.Option.captureStateLayout()
        .byteOffset(MemoryLayout.PathElement.groupElement("errno"));
  }

  private MemorySegment copy(ByteBuffer struct, SegmentAllocator allocator) {
    return allocator
        .allocate(descriptor.returnLayout().orElseThrow())
        .copyFrom(MemorySegment.ofBuffer(struct));
  }

  static Callback callback(
      ContainedLibrary library, MethodHandle target, FunctionDescriptor descriptor) {
    if (!target.type().equals(descriptor.toMethodType())) {
      throw new IllegalArgumentException(
          "the target is of type " + target.type() + ", not " + descriptor.toMethodType());
    }
    return library.callback(
        ForeignTypes.signature(descriptor),
        arguments -> {
          Object[] converted = new Object[arguments.length];
          for (int i = 0; i < converted.length; i++) {
            MemoryLayout layout = descriptor.argumentLayouts().get(i);
            converted[i] =
                arguments[i] instanceof ByteBuffer struct
                    ? ForeignTypes.struct(struct, layout)
                    : ForeignTypes.toJava(arguments[i], layout);
          }
          Object result = target.invokeWithArguments(converted);
          return descriptor
              .returnLayout()
              .map(layout -> ForeignTypes.toC(result, layout))
              .orElse(null);
        });
  }

  /** Addresses that have a layout to lead to are given its size, as the JDK does. */
  @SuppressWarnings("restricted")
  static MemorySegment segment(long address, AddressLayout layout) {
    MemorySegment segment = MemorySegment.ofAddress(address);
    return layout
        .targetLayout()
        .map(target -> segment.reinterpret(target.byteSize()))
        .orElse(segment);
  }
}
