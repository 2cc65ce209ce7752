import io.tproc.TprocHost;
import io.tproc.python.PythonFunction;
import io.tproc.python.PythonPool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/** Segments as arguments of Python's functions. */
public class PythonSegments {
  public static void run(String python) throws Exception {
    try (TprocHost host = TprocHost.open();
        Arena arena = Arena.ofConfined();
        PythonPool pool = host.python(python).open()) {
      MemorySegment memory = arena.allocate(16);
      PythonFunction set = pool.function("operator", "setitem");
      set.call(memory, 3, 42);
      check(memory.get(ValueLayout.JAVA_BYTE, 3) == 42, "written in place");
      check(pool.function("operator", "pos").toString().contains("operator.pos"), "named");
      PythonFunction list = pool.function("builtins", "list");
      Object same = list.call(List.of(memory, memory.asSlice(4, 2).asReadOnly()));
      check(((List<?>) same).get(0) == memory, "the caller's own");
      Object part = pool.function("operator", "getitem").call(memory, 3);
      check(part.equals(42L), "read in place");
      MemorySegment tail = (MemorySegment) pool.function("builtins", "memoryview").call(memory);
      check(tail == memory, "a view of all of it is it");
      refused(set, memory.asReadOnly());
      refused(set, MemorySegment.ofArray(new byte[4]));
    }
  }

  private static void refused(PythonFunction set, MemorySegment memory) throws Exception {
    try {
      set.call(memory, 0, 1);
    } catch (RuntimeException expected) {
      String message = expected.getMessage();
      check(
          message.contains("read-only") || message.contains("argument 1: not a native segment"),
          message);
      return;
    }
    throw new AssertionError("not refused: " + memory);
  }

  private static void check(boolean is, String what) {
    if (!is) {
      throw new AssertionError(what);
    }
  }
}
