package io.tproc.samples;

import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import java.io.BufferedReader;
import java.io.IOException;

/**
 * Java reads a {@code std::string} of a running C++ program, and so does a second C++ program that
 * gets nothing but the address. Neither C++ program knows anything of tproc.
 */
public final class SharedString {
  private SharedString() {}

  /** Shares each argument. */
  public static void main(String... arguments) throws IOException, InterruptedException {
    String[] lines =
        arguments.length > 0
            ? arguments
            : new String[] {"short", "long enough to need memory of its own"};
    try (TprocHost host = TprocHost.open();
        ThreadProc allocator = host.command(SamplePrograms.path("allocstr")).start();
        BufferedReader addresses = allocator.inputReader()) {
      for (String line : lines) {
        allocator.outputWriter().append(line).append('\n').flush();
        String address = addresses.readLine();

        System.out.println(
            address + " read by Java:     " + StdString.read(host, Long.decode(address)));
        System.out.println(address + " read by printstr: " + printed(host, address));
      }
      allocator.outputWriter().close();
      System.out.println("allocstr: " + allocator.waitForExit());
    }
  }

  private static String printed(TprocHost host, String address)
      throws IOException, InterruptedException {
    try (ThreadProc printer = host.command(SamplePrograms.path("printstr"), address).start();
        BufferedReader output = printer.inputReader()) {
      String line = output.readLine();
      return line == null ? "nothing: " + printer.waitForExit() : line;
    }
  }
}
