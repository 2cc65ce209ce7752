package io.tproc.bench;

import io.tproc.TprocHost;
import io.tproc.python.PythonFunction;
import io.tproc.python.PythonPool;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/**
 * Calls of Python's functions, against a python3 at the other end of pipes, and Python's own calls.
 */
final class PythonBenchmark implements Benchmark {
  private static final int SIZE = 16 << 20;
  private static final int ROUNDS = 11;

  /**
   * The functions, the same for all; and the other end of the pipes, which does what is quickest.
   */
  private static final String MODULE =
      """
      import os, sys, time, zlib

      def nothing():
          pass

      def check(data):
          return zlib.crc32(data)

      def own(count, function, *arguments):
          function = globals()[function]
          start = time.perf_counter_ns()
          for _ in range(count):
              function(*arguments)
          return (time.perf_counter_ns() - start) / count

      def read(size):
          data = bytearray(size)
          at = 0
          while at < size:
              some = os.readv(0, [memoryview(data)[at:]])
              if some == 0:
                  sys.exit()
              at += some
          return data

      if __name__ == "__main__":
          size = int(sys.argv[1])
          while True:
              data = read(size)
              os.write(1, (check(data) if size > 1 else 0).to_bytes(4, "little"))
      """;

  @Override
  public String name() {
    return "python";
  }

  @Override
  public String about() {
    return "calls of Python's functions, against a python3 at the other end of pipes";
  }

  @Override
  public void run(Settings settings) throws IOException, InterruptedException {
    Path directory = Files.createTempDirectory("tproc-bench");
    Path module = Files.writeString(directory.resolve("bench_python.py"), MODULE);
    try (TprocHost host = TprocHost.open();
        PythonPool python = host.python().path(directory).open()) {
      emptyCalls(python, module, settings);
      largeCalls(python, module, settings);
    } finally {
      Files.delete(module);
      Files.delete(directory);
    }
  }

  private static void emptyCalls(PythonPool python, Path module, Settings settings)
      throws IOException, InterruptedException {
    int calls = settings.count(5_000, 200);
    PythonFunction nothing = python.function("bench_python", "nothing");
    PythonFunction own = python.function("bench_python", "own");
    try (Pipes pipes = new Pipes(module, 1)) {
      Sample[] samples =
          Rounds.measure(
              settings.count(ROUNDS, 1),
              () -> perCall(calls, nothing::call),
              () -> perCall(calls, pipes::roundTrip),
              () -> number(own.call(calls, "nothing")));
      Report.ratio("empty call", "ns", samples[0], "pipes", samples[1], "");
      Report.ratio("empty call", "ns", samples[0], "Python's own call", samples[2], "");
    }
  }

  private static void largeCalls(PythonPool python, Path module, Settings settings)
      throws IOException, InterruptedException {
    int calls = settings.count(10, 1);
    ByteBuffer data = ByteBuffer.allocateDirect(SIZE);
    PythonFunction check = python.function("bench_python", "check");
    PythonFunction own = python.function("bench_python", "own");
    CRC32 right = new CRC32();
    right.update(data.duplicate());
    if (number(check.call(data)) != right.getValue()) {
      throw new IOException("Python has read something else than Java has");
    }
    try (Pipes pipes = new Pipes(module, SIZE)) {
      Sample[] samples =
          Rounds.measure(
              settings.count(ROUNDS, 1),
              () -> perCall(calls, () -> check.call(data)) / 1e6,
              () -> perCall(calls, pipes::roundTrip) / 1e6,
              () -> number(own.call(calls, "check", data)) / 1e6);
      Report.ratio("crc32 of 16 MiB", "ms", samples[0], "pipes", samples[1], "");
      Report.ratio("crc32 of 16 MiB", "ms", samples[0], "Python's own call", samples[2], "");
    }
  }

  private static double number(@Nullable Object result) {
    return ((Number) Objects.requireNonNull(result)).doubleValue();
  }

  private interface Call {
    @Nullable Object make() throws IOException, InterruptedException;
  }

  private static double perCall(int calls, Call call) throws IOException, InterruptedException {
    long start = System.nanoTime();
    for (int i = 0; i < calls; i++) {
      var unused = call.make();
    }
    return (double) (System.nanoTime() - start) / calls;
  }

  /** A python3 that is sent so many bytes, and answers with four. */
  private static final class Pipes implements AutoCloseable {
    private final Process process;
    private final byte[] data;

    Pipes(Path module, int size) throws IOException {
      process =
          new ProcessBuilder("python3", module.toString(), String.valueOf(size))
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      data = new byte[size];
    }

    Object roundTrip() throws IOException {
      OutputStream there = process.getOutputStream();
      there.write(data);
      there.flush();
      InputStream back = process.getInputStream();
      byte[] answer = back.readNBytes(Integer.BYTES);
      if (answer.length < Integer.BYTES) {
        throw new IOException("python3 has ended");
      }
      return answer;
    }

    @Override
    public void close() throws IOException {
      process.getOutputStream().close();
      process.destroyForcibly();
    }
  }
}
