import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import java.io.BufferedReader;
import java.lang.foreign.AddressLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/** A program is closed while qsort is sorting its memory. */
public class ViewsInCalls {
  private static final AddressLayout BYTE =
      ValueLayout.ADDRESS.withTargetLayout(ValueLayout.JAVA_BYTE);

  private static Runnable during;

  /** The comparison of bytes. */
  public static int compare(MemorySegment left, MemorySegment right) {
    Runnable once = during;
    during = null;
    if (once != null) {
      once.run();
    }
    return Byte.compareUnsigned(
        left.get(ValueLayout.JAVA_BYTE, 0), right.get(ValueLayout.JAVA_BYTE, 0));
  }

  private static void sort(MemorySegment bytes) throws Exception {
    Linker linker = Linker.nativeLinker();
    MethodHandle compare =
        MethodHandles.lookup()
            .findStatic(
                ViewsInCalls.class,
                "compare",
                MethodType.methodType(int.class, MemorySegment.class, MemorySegment.class));
    MethodHandle sort =
        linker.downcallHandle(
            linker.defaultLookup().find("qsort").orElseThrow(),
            FunctionDescriptor.ofVoid(
                ValueLayout.ADDRESS,
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_LONG,
                ValueLayout.ADDRESS));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment comparator =
          linker.upcallStub(
              compare, FunctionDescriptor.of(ValueLayout.JAVA_INT, BYTE, BYTE), arena);
      sort.invokeExact(bytes, bytes.byteSize(), 1L, comparator);
    } catch (Throwable failed) {
      throw new AssertionError(failed);
    }
  }

  public static void run(String program) throws Exception {
    TprocHost host = TprocHost.open();
    try (ThreadProc one = host.command(program, "keep", "1000").start();
        BufferedReader output = one.inputReader()) {
      MemorySegment memory = host.segment(Long.decode(output.readLine()), 1000);
      during = () -> refused(one);
      sort(memory);
      check(memory.get(ValueLayout.JAVA_BYTE, 999) == (byte) 255, "sorted");
      one.close();
      ended(memory);
    }
    ThreadProc other = host.command(program, "keep", "1000").start();
    MemorySegment memory = host.segment(Long.decode(other.inputReader().readLine()), 1000);
    Thread closer = new Thread(host::close);
    during =
        () -> {
          closer.start();
          try {
            other.waitForExit(); // killed by close, which then has to wait for the call
          } catch (InterruptedException unexpected) {
            throw new AssertionError(unexpected);
          }
        };
    sort(memory);
    closer.join();
    ended(memory);
  }

  private static void refused(ThreadProc program) {
    try {
      program.close();
    } catch (IllegalStateException expected) {
      check(expected.getMessage().contains("a call into native code"), expected.getMessage());
      return;
    }
    throw new AssertionError("closed while its memory is used");
  }

  private static void ended(MemorySegment memory) {
    try {
      memory.get(ValueLayout.JAVA_BYTE, 0);
    } catch (IllegalStateException expected) {
      return;
    }
    throw new AssertionError("readable when it has been given back");
  }

  private static void check(boolean is, String what) {
    if (!is) {
      throw new AssertionError(what);
    }
  }
}
