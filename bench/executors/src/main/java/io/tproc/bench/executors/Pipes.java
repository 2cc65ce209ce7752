package io.tproc.bench.executors;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Objects;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.FixedWidthVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.jspecify.annotations.Nullable;

/** A process of ProcessBuilder's at the other end of pipes, with the columns as they are. */
final class Pipes extends Streamed {
  private static final int CHUNK = 1 << 16;

  private final String program;
  private final Batches batches;
  private final byte[] chunk = new byte[CHUNK];
  private @Nullable OutputStream there;
  private @Nullable InputStream back;

  Pipes(Path programs, Batches batches) {
    this.program = programs.resolve("pipe").toString();
    this.batches = batches;
  }

  @Override
  Process start() throws IOException {
    Process process =
        new ProcessBuilder(program).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    there = process.getOutputStream();
    back = process.getInputStream();
    return process;
  }

  @Override
  void write(boolean crashes) throws IOException {
    OutputStream to = Objects.requireNonNull(there);
    VectorSchemaRoot batch = batches.batch(crashes);
    byte[] head = new byte[2 * Long.BYTES];
    ByteBuffer.wrap(head)
        .order(ByteOrder.nativeOrder())
        .putLong(batches.rows)
        .putLong(batches.width);
    to.write(head);
    for (FieldVector column : batch.getFieldVectors()) {
      ArrowBuf data = column.getDataBuffer();
      long size = (long) batches.rows * ((FixedWidthVector) column).getTypeWidth();
      for (long at = 0; at < size; at += CHUNK) {
        int part = (int) Math.min(CHUNK, size - at);
        data.getBytes(at, chunk, 0, part);
        to.write(chunk, 0, part);
      }
    }
    to.flush();
  }

  @Override
  void flush() throws IOException {
    Objects.requireNonNull(there).flush();
  }

  @Override
  void read() throws IOException {
    byte[] totals = Objects.requireNonNull(back).readNBytes(batches.rows * Double.BYTES);
    if (totals.length < batches.rows * Double.BYTES) {
      throw new EOFException();
    }
    batches.check(
        ByteBuffer.wrap(totals)
            .order(ByteOrder.nativeOrder())
            .getDouble(totals.length - Double.BYTES));
  }

  @Override
  void stop() throws IOException {
    try (InputStream in = back;
        OutputStream out = there) {
      // both
    } catch (IOException brokenPipe) {
      // what was buffered
    }
  }
}
