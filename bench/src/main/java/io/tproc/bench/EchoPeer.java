package io.tproc.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;

/** A process that sends back what it gets, or what comes of it. */
final class EchoPeer implements AutoCloseable {
  private static final int HEADER = Long.BYTES;

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
    ByteBuffer one = ByteBuffer.allocateDirect(1);
    return overSocket(
        "echo", channel -> channel.write(one.clear()) == 1 && channel.read(one.clear()) == 1);
  }

  /** A sidecar, which gets all the data and sends back their crc32. */
  static EchoPeer digesting(ByteBuffer data, AtomicLong sum) throws IOException {
    ByteBuffer header = ByteBuffer.allocateDirect(HEADER).order(ByteOrder.nativeOrder());
    return overSocket(
        "digest",
        channel -> {
          writeAll(channel, header.clear().putLong(0, data.capacity()));
          writeAll(channel, data.duplicate().clear());
          header.clear();
          while (header.hasRemaining() && channel.read(header) > 0) {}
          sum.set(header.getLong(0));
          return !header.hasRemaining();
        });
  }

  private static void writeAll(SocketChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  private interface Exchange {
    boolean isDone(SocketChannel channel) throws IOException;
  }

  private static EchoPeer overSocket(String program, Exchange exchange) throws IOException {
    Path directory = Files.createTempDirectory("tproc-bench");
    Path path = directory.resolve("socket");
    try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(path));
      Process process = new ProcessBuilder(Programs.path(program), path.toString()).start();
      SocketChannel channel = server.accept();
      return new EchoPeer(process, () -> exchange.isDone(channel));
    } finally {
      Files.deleteIfExists(path);
      Files.delete(directory);
    }
  }

  /** There and back. */
  void roundTrip() {
    try {
      if (!roundTrip.isDone()) {
        throw new IllegalStateException("the peer has ended");
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
