package io.tproc.bench.executors;

import java.io.EOFException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.FileChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Objects;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.Float8Vector;
import org.apache.arrow.vector.VectorLoader;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.VectorUnloader;
import org.apache.arrow.vector.ipc.ArrowStreamReader;
import org.apache.arrow.vector.ipc.ArrowStreamWriter;
import org.apache.arrow.vector.ipc.message.ArrowRecordBatch;
import org.jspecify.annotations.Nullable;

/**
 * A process at the other end of a Unix socket, with Arrow's stream format both ways, as PySpark's
 * workers have it; but in C++.
 */
final class Socket extends Streamed {
  private final String program;
  private final BufferAllocator allocator;
  private final Batches batches;
  private final Path directory;
  private final VectorSchemaRoot sent;
  private @Nullable SocketChannel channel;
  private @Nullable ArrowStreamWriter writer;
  private @Nullable ArrowStreamReader reader;

  Socket(Path programs, BufferAllocator allocator, Batches batches) throws IOException {
    this.program = programs.resolve("stream").toString();
    this.allocator = allocator;
    this.batches = batches;
    this.directory = Files.createTempDirectory("executors");
    this.sent = VectorSchemaRoot.create(batches.good.getSchema(), allocator);
    writeTemplate();
  }

  private Path template() {
    return directory.resolve("template");
  }

  /** What an answer looks like. */
  private void writeTemplate() throws IOException {
    try (FileChannel file =
            FileChannel.open(template(), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        Float8Vector total = new Float8Vector("total", allocator)) {
      total.allocateNew(batches.rows);
      for (int i = 0; i < batches.rows; i++) {
        total.set(i, 0);
      }
      VectorSchemaRoot root = new VectorSchemaRoot(List.of(total));
      root.setRowCount(batches.rows);
      try (ArrowStreamWriter stream = new ArrowStreamWriter(root, null, file)) {
        stream.writeBatch();
      }
    }
  }

  @Override
  Process start() throws IOException {
    Path path = directory.resolve("socket");
    try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(path));
      Process process =
          new ProcessBuilder(program, path.toString(), template().toString()).inheritIO().start();
      SocketChannel now = server.accept();
      channel = now;
      writer = new ArrowStreamWriter(sent, null, now);
      reader = new ArrowStreamReader(now, allocator);
      return process;
    } finally {
      Files.deleteIfExists(path);
    }
  }

  @Override
  void write(boolean crashes) throws IOException {
    // The buffers themselves, with a count more: nothing is copied here.
    try (ArrowRecordBatch columns = new VectorUnloader(batches.batch(crashes)).getRecordBatch()) {
      new VectorLoader(sent).load(columns);
    }
    Objects.requireNonNull(writer).writeBatch();
  }

  @Override
  void flush() {}

  @Override
  void read() throws IOException {
    ArrowStreamReader from = Objects.requireNonNull(reader);
    if (!from.loadNextBatch()) {
      throw new EOFException();
    }
    batches.check(from.getVectorSchemaRoot());
  }

  @Override
  void stop() throws IOException {
    Objects.requireNonNull(channel).close();
    Objects.requireNonNull(reader).close(false);
  }

  @Override
  public void close() throws IOException, InterruptedException {
    super.close();
    sent.close();
    Files.deleteIfExists(template());
    Files.deleteIfExists(directory);
  }
}
