package io.tproc.samples;

import io.tproc.ExitStatus;
import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import java.io.BufferedReader;
import java.io.IOException;

/**
 * The main job from end to end, step by step: a shared string, a buffer rewritten in place, a crash
 * survived. Ends with status 0 when every step did what it should, and with an exception when one
 * did not.
 */
public final class Demo {
  private Demo() {}

  /** Runs every step. */
  public static void main(String... arguments) throws IOException, InterruptedException {
    try (TprocHost host = TprocHost.open();
        ThreadProc allocator = host.command(SamplePrograms.path("allocstr")).start();
        BufferedReader addresses = allocator.inputReader()) {
      System.out.println(
          "This JVM, pid "
              + ProcessHandle.current().pid()
              + ", is a host. It has started allocstr,");
      System.out.println(
          "an ordinary C++ program, inside its own address space: pid " + allocator.pid() + ".");

      step("1. Java and another C++ program read the std::strings that allocstr keeps");
      shareString(host, allocator, addresses, "hello");
      String address =
          shareString(
              host,
              allocator,
              addresses,
              "a string that is too long for std::string to keep it in itself");

      step("2. C programs rewrite Java's direct buffers in place");
      InPlace.uppercase(host, "Java wrote this, C shouts it");
      InPlace.gain(host, 16 << 20, 0.5f);

      step("3. Programs crash, and the others go on");
      for (String mode : new String[] {"segv", "abort", "overflow"}) {
        ExitStatus status = CrashSurvivor.crash(host, mode);
        expect(
            status instanceof ExitStatus.Signalled,
            "crash " + mode + " should not have ended with " + status);
        System.out.println("crash " + mode + ": " + CrashSurvivor.describe(status));
      }
      expect(allocator.isAlive(), "allocstr should have survived");
      System.out.println(
          "The JVM goes on, and allocstr still keeps: "
              + StdString.read(host, Long.decode(address)));

      allocator.outputWriter().close();
      ExitStatus status = allocator.waitForExit();
      expect(status.equals(new ExitStatus.Exited(0)), "allocstr ended with " + status);
    }
    System.out.println();
    System.out.println("All is well.");
  }

  private static String shareString(
      TprocHost host, ThreadProc allocator, BufferedReader addresses, String text)
      throws IOException, InterruptedException {
    allocator.outputWriter().append(text).append('\n').flush();
    String address = addresses.readLine();
    expect(address != null, "allocstr ended early");

    String readByJava = StdString.read(host, Long.decode(address));
    System.out.println("allocstr keeps a std::string at " + address);
    System.out.println("  Java reads there:     " + readByJava);
    expect(readByJava.equals(text), "Java should have read: " + text);

    try (ThreadProc printer = host.command(SamplePrograms.path("printstr"), address).start();
        BufferedReader output = printer.inputReader()) {
      String printed = output.readLine();
      System.out.println("  printstr reads there: " + printed);
      expect(text.equals(printed), "printstr should have printed: " + text);
    }
    return address;
  }

  private static void step(String title) {
    System.out.println();
    System.out.println(title);
  }

  private static void expect(boolean condition, String otherwise) {
    if (!condition) {
      throw new IllegalStateException(otherwise);
    }
  }
}
