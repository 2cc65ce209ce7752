package io.tproc.bench;

import io.tproc.TprocHost;
import io.tproc.library.CType;
import io.tproc.library.ContainedFunction;
import io.tproc.library.ContainedLibrary;
import io.tproc.library.LibraryCrashedException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.invoke.MethodHandle;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.Locale;
import java.util.Optional;

/** Calls of functions of contained libraries. */
final class ContainedBenchmark implements Benchmark {
  private static final int ROUNDS = 11;
  private static final int SIZE = 16 << 20;

  @Override
  public String name() {
    return "contained";
  }

  @Override
  public String about() {
    return "calls of a contained library, against FFM (Java 22 and later) and a process at the other end of pipes";
  }

  @Override
  public void run(Settings settings) throws IOException, InterruptedException {
    try (TprocHost host = TprocHost.open()) {
      emptyCalls(host, settings);
      largeCalls(host, settings);
      crashes(host, settings);
    }
  }

  private static double perCall(int calls, Runnable call) {
    long start = System.nanoTime();
    for (int i = 0; i < calls; i++) {
      call.run();
    }
    return (double) (System.nanoTime() - start) / calls;
  }

  private static void emptyCalls(TprocHost host, Settings settings)
      throws IOException, InterruptedException {
    int calls = settings.count(100_000, 1_000);
    Process cat = new ProcessBuilder("cat").start();
    try (ContainedLibrary library = host.library("libc.so.6")) {
      ContainedFunction labs = library.function("labs", CType.LONG, CType.LONG);
      Sample[] samples =
          Rounds.measure(
              settings.count(ROUNDS, 1),
              () -> perCall(calls, () -> labs.callLong(-1L)),
              () -> perCall(calls / 10, () -> throughPipe(cat)));
      Report.ratio("empty call", "ns", samples[0], "pipe", samples[1], "must be <= 0.10");
      Optional<MethodHandle> foreign = ForeignPeer.function("libc.so.6", "labs", 1);
      if (foreign.isPresent()) {
        Sample ffm =
            Rounds.measure(
                settings.count(ROUNDS, 1),
                () -> perCall(calls, () -> ForeignPeer.call(foreign.get(), -1L)))[0];
        Report.ratio("empty call", "ns", samples[0], "FFM", ffm, "");
      }
    } finally {
      cat.destroy();
    }
  }

  private static void throughPipe(Process cat) {
    try {
      OutputStream out = cat.getOutputStream();
      InputStream in = cat.getInputStream();
      out.write(1);
      out.flush();
      if (in.read() != 1) {
        throw new IllegalStateException("cat has ended");
      }
    } catch (IOException failed) {
      throw new java.io.UncheckedIOException(failed);
    }
  }

  /** zlib at 16 MiB. */
  private static void largeCalls(TprocHost host, Settings settings)
      throws IOException, InterruptedException {
    Optional<MethodHandle> foreign = ForeignPeer.function("libz.so.1", "crc32", 3);
    if (foreign.isEmpty()) {
      Report.line("crc32 of 16 MiB", "not measured: FFM is Java 22's");
      return;
    }
    ByteBuffer data = ByteBuffer.allocateDirect(SIZE);
    long address = host.addressOf(data);
    try (ContainedLibrary library = host.library("libz.so.1")) {
      ContainedFunction crc32 =
          library.function("crc32", CType.LONG, CType.LONG, CType.POINTER, CType.LONG);
      int calls = settings.count(10, 1);
      Sample[] samples =
          Rounds.measure(
              settings.count(ROUNDS, 1),
              () -> perCall(calls, () -> crc32.callLong(0L, address, (long) SIZE)),
              () -> perCall(calls, () -> ForeignPeer.call(foreign.get(), 0L, address, SIZE)));
      Report.ratio("crc32 of 16 MiB", "ns", samples[0], "FFM", samples[1], "must be <= 1.05");
    }
    Reference.reachabilityFence(data);
  }

  /** From the wrong access to the exception, the process's end included. */
  private static void crashes(TprocHost host, Settings settings) throws IOException {
    double[] figures = new double[settings.count(ROUNDS, 1)];
    try (ContainedLibrary library = host.library("libc.so.6")) {
      for (int i = 0; i < figures.length; i++) {
        ContainedFunction length = library.function("strlen", CType.LONG, CType.POINTER);
        long start = System.nanoTime();
        try {
          length.call(16L);
        } catch (LibraryCrashedException expected) {
          figures[i] = System.nanoTime() - start;
        }
        library.restart();
      }
    }
    Report.line(
        "crash to exception",
        String.format(Locale.ROOT, "%.2f ms (must be <= 10)", new Sample(figures).median() / 1e6));
  }
}
