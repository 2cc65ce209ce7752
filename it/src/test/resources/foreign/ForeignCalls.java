import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.tproc.TprocHost;
import io.tproc.library.ContainedLibrary;
import io.tproc.library.LibraryCrashedException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.zip.CRC32;

/** Calls as code for java.lang.foreign makes them; compiled and run by ForeignCallsIT on Java 22 and later. */
public class ForeignCalls {
  static ContainedLibrary library;

  /** In the shape of what jextract makes of zlib.h; its one line with Linker.nativeLinker() is replaced. */
  static class crc32 {
    public static final FunctionDescriptor DESC =
        FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_INT);
    final SymbolLookup lookup;
    final MethodHandle HANDLE;

    crc32(ContainedLibrary zlib) {
      lookup = zlib.symbolLookup();
      HANDLE = zlib.downcallHandle(lookup.find("crc32").orElseThrow(), DESC);
    }
  }

  static long twice(long value) {
    return value * 2;
  }

  static void check(boolean condition, String what) {
    if (!condition) {
      throw new AssertionError(what);
    }
  }

  public static void run(String path) throws Throwable {
    try (TprocHost host = TprocHost.open();
        ContainedLibrary zlib = host.library("libz.so.1");
        Arena arena = Arena.ofConfined()) {
      byte[] data = "contained".getBytes();
      CRC32 expected = new CRC32();
      expected.update(data);
      MemorySegment bytes = arena.allocateFrom(JAVA_BYTE, data);
      check(
          (long) new crc32(zlib).HANDLE.invokeExact(0L, bytes, data.length) == expected.getValue(),
          "crc32");
      try (ContainedLibrary opened = host.library(path)) {
        library = opened;
        values(arena);
        structs(arena);
        callbacks();
        structsOfCallbacks(arena);
        refused();
        crash();
      }
    }
  }

  static void values(Arena arena) throws Throwable {
    MethodHandle next =
        library.downcallHandle("next_int8", FunctionDescriptor.of(JAVA_BYTE, JAVA_BYTE));
    check((byte) next.invokeExact((byte) 127) == -128, "next_int8");
    MethodHandle greeting =
        library.downcallHandle(
            "greeting",
            FunctionDescriptor.of(
                ADDRESS.withTargetLayout(MemoryLayout.sequenceLayout(100, JAVA_BYTE))));
    check(((MemorySegment) greeting.invokeExact()).getString(0).equals("gr\u00fc\u00df dich"), "greeting");
    MethodHandle sum =
        library.downcallHandle(
            "sum_variadic",
            FunctionDescriptor.of(JAVA_DOUBLE, JAVA_INT, JAVA_INT, JAVA_DOUBLE),
            Linker.Option.firstVariadicArg(1));
    check((double) sum.invokeExact(2, 3, 0.5) == 3.5, "sum_variadic");
    MethodHandle fail =
        library.downcallHandle(
            "fail_with",
            FunctionDescriptor.of(JAVA_INT, JAVA_INT),
            Linker.Option.captureCallState("errno"));
    MemorySegment state = arena.allocate(Linker.Option.captureStateLayout());
    check((int) fail.invokeExact(state, 17) == -1, "fail_with");
    check(state.get(JAVA_INT, 0) == 17, "errno");
  }

  static void structs(Arena arena) throws Throwable {
    StructLayout mixed =
        MemoryLayout.structLayout(
            JAVA_BYTE,
            MemoryLayout.paddingLayout(7),
            JAVA_DOUBLE,
            java.lang.foreign.ValueLayout.JAVA_SHORT,
            MemoryLayout.paddingLayout(6));
    MethodHandle next =
        library.downcallHandle("next_mixed", FunctionDescriptor.of(mixed, mixed));
    MemorySegment given = arena.allocate(mixed);
    given.set(JAVA_BYTE, 0, (byte) 1);
    given.set(JAVA_DOUBLE, 8, 2.5);
    MemorySegment got =
        (MemorySegment) next.invokeExact((java.lang.foreign.SegmentAllocator) arena, given);
    check(got.get(JAVA_BYTE, 0) == 2 && got.get(JAVA_DOUBLE, 8) == 4.5, "next_mixed");
  }

  static void callbacks() throws Throwable {
    MethodHandle twice =
        MethodHandles.lookup()
            .findStatic(
                ForeignCalls.class, "twice", MethodType.methodType(long.class, long.class));
    MethodHandle call =
        library.downcallHandle(
            "call_with", FunctionDescriptor.of(JAVA_LONG, ADDRESS, JAVA_LONG));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment stub =
          library.upcallStub(twice, FunctionDescriptor.of(JAVA_LONG, JAVA_LONG), arena);
      check((long) call.invokeExact(stub, 20L) == 41, "call_with");
      MethodHandle pointer = // as jextract makes it for the type of a function pointer
          library.downcallHandle(FunctionDescriptor.of(JAVA_LONG, ADDRESS, JAVA_LONG));
      MemorySegment address = library.defaultLookup().find("call_with").orElseThrow();
      check((long) pointer.invokeExact(address, stub, 20L) == 41, "call_with by its address");
    }
    Arena closed = Arena.ofShared();
    MemorySegment gone = closed.allocate(8);
    closed.close();
    try {
      long unused = (long) call.invokeExact(gone, 20L);
      throw new AssertionError("a closed arena");
    } catch (IllegalStateException expected) {
      check(expected.getMessage().startsWith("a segment whose arena is closed"), "message");
    }
    long before = library.bytesInUse();
    for (int i = 0; i < 1000; i++) {
      try {
        library.upcallStub(twice, FunctionDescriptor.of(JAVA_LONG, JAVA_LONG), closed);
        throw new AssertionError("a stub for a closed arena");
      } catch (IllegalStateException expected) {
        // and its function pointer is freed
      }
    }
    check(library.bytesInUse() - before < 200_000, "a stub for a closed arena leaves nothing");
  }

  /** Reads and writes it as a struct, and gives it back. */
  static MemorySegment swap(MemorySegment small) {
    check(small.byteSize() == 8, "size");
    int x = small.get(JAVA_INT, 0);
    small.set(JAVA_INT, 0, (int) small.get(JAVA_FLOAT, 4));
    small.set(JAVA_FLOAT, 4, x);
    return small;
  }

  static void structsOfCallbacks(Arena arena) throws Throwable {
    StructLayout small = MemoryLayout.structLayout(JAVA_INT, JAVA_FLOAT);
    FunctionDescriptor function = FunctionDescriptor.of(small, small);
    MethodHandle swap =
        MethodHandles.lookup().findStatic(ForeignCalls.class, "swap", function.toMethodType());
    MethodHandle call =
        library.downcallHandle("call_struct", FunctionDescriptor.of(small, ADDRESS));
    MemorySegment stub = library.upcallStub(swap, function, arena);
    MemorySegment got =
        (MemorySegment) call.invokeExact((java.lang.foreign.SegmentAllocator) arena, stub);
    check(got.get(JAVA_INT, 0) == 4 && got.get(JAVA_FLOAT, 4) == 3, "call_struct");
    MethodHandle direct = library.downcallHandle("swap_small", function);
    for (MemorySegment heap :
        new MemorySegment[] {MemorySegment.ofArray(new int[2]), MemorySegment.ofArray(new long[1])}) {
      heap.set(java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED, 0, 5);
      got = (MemorySegment) direct.invokeExact((java.lang.foreign.SegmentAllocator) arena, heap);
      check(got.get(JAVA_FLOAT, 4) == 5, "swap_small of an array");
    }
  }

  static void refused() {
    java.nio.ByteOrder other =
        java.nio.ByteOrder.nativeOrder() == java.nio.ByteOrder.BIG_ENDIAN
            ? java.nio.ByteOrder.LITTLE_ENDIAN
            : java.nio.ByteOrder.BIG_ENDIAN;
    try {
      library.downcallHandle(
          "next_int32", FunctionDescriptor.of(JAVA_INT, JAVA_INT.withOrder(other)));
      throw new AssertionError("another byte order");
    } catch (IllegalArgumentException expected) {
      check(expected.getMessage().startsWith("a layout in a byte order"), "message");
    }
  }

  static void crash() throws Throwable {
    MethodHandle read =
        library.downcallHandle("read_at", FunctionDescriptor.of(JAVA_INT, ADDRESS));
    try {
      int unused = (int) read.invokeExact(MemorySegment.ofAddress(16));
      throw new AssertionError("no crash");
    } catch (LibraryCrashedException expected) {
      check(expected.crash().isPresent(), "crash");
    }
  }
}
