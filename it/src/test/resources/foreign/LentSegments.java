import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.tproc.LentBuffer;
import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** Segments that are lent, also of more than a ByteBuffer can hold. */
public class LentSegments {
  private static final long LARGE = 3L << 30;

  private static MethodHandle function(String name, FunctionDescriptor descriptor) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(linker.defaultLookup().find(name).orElseThrow(), descriptor);
  }

  /** An arena's own memory is filled with zeros: this is touched where it is used only. */
  private static MemorySegment allocate(Arena arena) throws Throwable {
    MethodHandle malloc =
        function("malloc", FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.JAVA_LONG));
    MethodHandle free = function("free", FunctionDescriptor.ofVoid(ValueLayout.ADDRESS));
    MemorySegment start = (MemorySegment) malloc.invokeExact(LARGE);
    return start.reinterpret(
        LARGE,
        arena,
        allocated -> {
          try {
            free.invokeExact(allocated);
          } catch (Throwable e) {
            throw new AssertionError(e);
          }
        });
  }

  public static void run(String uppercase) throws Throwable {
    try (TprocHost host = TprocHost.open(); Arena arena = Arena.ofConfined()) {
      MemorySegment large = allocate(arena);
      LentBuffer lent = host.lend(large);
      assertThat(lent.address()).isEqualTo(large.address()).isEqualTo(host.addressOf(large));
      assertThat(lent.size()).isEqualTo(LARGE);

      String last = Long.toString(lent.address() + LARGE - 1);
      large.set(ValueLayout.JAVA_BYTE, LARGE - 1, (byte) 'q');
      try (ThreadProc program = host.command(uppercase, last, "1").start()) {
        lent.untilEndOf(program);
        assertThat(program.waitForExit().exitValue()).isZero();
      }
      assertThat(large.get(ValueLayout.JAVA_BYTE, LARGE - 1)).isEqualTo((byte) 'Q');

      LentBuffer nothing = host.lend(large.asSlice(8, 0));
      assertThat(nothing.size()).isZero();
      nothing.close();
      assertThatIllegalStateException().isThrownBy(nothing::address);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> host.lend(MemorySegment.ofArray(new byte[8])));
      Arena closed = Arena.ofShared();
      MemorySegment gone = closed.allocate(8);
      closed.close();
      assertThatIllegalStateException().isThrownBy(() -> host.lend(gone));
    }
  }
}
