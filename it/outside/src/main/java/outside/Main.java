package outside;

import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import io.tproc.TprocUnavailableException;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/** Hosts a program, and says whether all of the API is there: "hosted" or "hosted, no segment". */
public final class Main {
  private Main() {}

  /** Ends with 0 when the program was hosted, with 1 and the reason when it was not. */
  public static void main(String[] arguments) throws Exception {
    try (TprocHost host = TprocHost.open()) {
      ByteBuffer buffer = ByteBuffer.allocateDirect(8).order(ByteOrder.nativeOrder());
      buffer.putLong(0, 42);
      if (host.view(host.addressOf(buffer), 8).getLong(0) != 42) {
        throw new IllegalStateException("not the same memory");
      }
      try (ThreadProc program = host.command("/bin/sh", "-c", "exit 7").start()) {
        if (program.waitFor() != 7) {
          throw new IllegalStateException(program.toString());
        }
      }
      boolean segment =
          Arrays.stream(TprocHost.class.getMethods())
              .map(Method::getName)
              .anyMatch("segment"::equals);
      System.out.println(
          segment || Runtime.version().feature() < 22 ? "hosted" : "hosted, no segment");
    } catch (TprocUnavailableException e) {
      System.out.println(e.getMessage());
      System.exit(1);
    }
  }
}
