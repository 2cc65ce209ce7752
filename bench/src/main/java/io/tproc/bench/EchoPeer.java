package io.tproc.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;

/** A process that sends back what it gets. */
final class EchoPeer implements AutoCloseable {
  private interface RoundTrip {
    boolean isDone() throws IOException;
  }

  private final Process process;
  private final RoundTrip roundTrip;

  private EchoPeer(Process process, RoundTrip roundTrip) {
    this.process = process;
    this.roundTrip = roundTrip;
  }

  static EchoPeer overPipes() throws IOException {
    Process process = new ProcessBuilder(Programs.path("echo")).start();
    return new EchoPeer(
        process,
        () -> {
          process.getOutputStream().write(1);
          process.getOutputStream().flush();
          return process.getInputStream().read() == 1;
        });
  }

  static EchoPeer overSocket() throws IOException {
    Path directory = Files.createTempDirectory("tproc-bench");
    Path path = directory.resolve("socket");
    try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(path));
      Process process = new ProcessBuilder(Programs.path("echo"), path.toString()).start();
      SocketChannel channel = server.accept();
      ByteBuffer one = ByteBuffer.allocateDirect(1);
      return new EchoPeer(
          process, () -> channel.write(one.clear()) == 1 && channel.read(one.clear()) == 1);
    } finally {
      Files.deleteIfExists(path);
      Files.delete(directory);
    }
  }

  /** A byte there and back. */
  void roundTrip() {
    try {
      if (!roundTrip.isDone()) {
        throw new IllegalStateException("echo has ended");
      }
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  @Override
  public void close() {
    process.destroy();
  }
}
