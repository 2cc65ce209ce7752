package io.tproc.samples;

import io.tproc.ExitStatus;
import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;

/**
 * C programs rewrite memory of Java in place; nothing is copied. One gets the address on its
 * command line and knows nothing of tproc, the other finds it in the scratch page with libtproc.
 */
public final class InPlace {
  private InPlace() {}

  /** Runs both. */
  public static void main(String... arguments) throws IOException, InterruptedException {
    try (TprocHost host = TprocHost.open()) {
      uppercase(host, "Java wrote this, C shouts it");
      gain(host, 64 << 20, 2.0f);
    }
  }

  /** Has the program {@code uppercase} rewrite a text and prints both. */
  static void uppercase(TprocHost host, String text) throws IOException, InterruptedException {
    byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
    ByteBuffer buffer = ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
    System.out.println("before: " + StandardCharsets.US_ASCII.decode(buffer.duplicate()));

    String address = "0x" + Long.toHexString(host.addressOf(buffer));
    run(host, SamplePrograms.path("uppercase"), address, Integer.toString(buffer.remaining()));

    System.out.println("after:  " + StandardCharsets.US_ASCII.decode(buffer.duplicate()));
  }

  /**
   * Has the program {@code gain} multiply a buffer of floats, told where through the scratch page.
   */
  static void gain(TprocHost host, int bytes, float factor)
      throws IOException, InterruptedException {
    ByteBuffer buffer = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    FloatBuffer samples = buffer.asFloatBuffer();
    for (int i = 0; i < samples.capacity(); i++) {
      samples.put(i, i % 1000);
    }
    host.scratch().putLong(0, host.addressOf(buffer)).putLong(8, samples.capacity());

    run(host, SamplePrograms.path("gain"), Float.toString(factor));

    for (int i = 0; i < samples.capacity(); i++) {
      if (samples.get(i) != i % 1000 * factor) {
        throw new IllegalStateException("sample " + i + " is " + samples.get(i));
      }
    }
    System.out.println(
        samples.capacity() + " floats of Java multiplied by " + factor + " in place");
  }

  private static void run(TprocHost host, String... command)
      throws IOException, InterruptedException {
    // What the program has to say on its error output goes where ours goes.
    try (ThreadProc program =
        host.command(command).redirectError(ProcessBuilder.Redirect.INHERIT).start()) {
      ExitStatus status = program.waitForExit();
      if (!status.equals(new ExitStatus.Exited(0))) {
        throw new IllegalStateException(command[0] + ": " + status);
      }
    }
  }
}
