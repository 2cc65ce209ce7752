package io.tproc.samples;

import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Two C programs talk over a Unix socket. One sends the other a pointer to 4 KiB of its own heap;
 * the other reads them where they are and answers with a checksum. Run without a host, the reader
 * crashes: the pointer means nothing to it.
 */
public final class MessengerDemo {
  private MessengerDemo() {}

  /** Runs both programs and prints what they say. */
  public static void main(String... arguments) throws IOException, InterruptedException {
    Path directory = Files.createTempDirectory("messenger");
    String socket = directory.resolve("socket").toString();
    try (TprocHost host = TprocHost.open();
        ThreadProc receiver = host.command(SamplePrograms.path("receiver"), socket).start();
        BufferedReader received = receiver.inputReader()) {
      System.out.println(received.readLine()); // it listens from here on

      try (ThreadProc sender = host.command(SamplePrograms.path("sender"), socket).start();
          BufferedReader sent = sender.inputReader()) {
        System.out.println(sent.readLine());
        System.out.println(received.readLine());
        System.out.println(
            "sender: " + sender.waitForExit() + ", receiver: " + receiver.waitForExit());
      }
    } finally {
      Files.deleteIfExists(Path.of(socket));
      Files.deleteIfExists(directory);
    }
  }
}
