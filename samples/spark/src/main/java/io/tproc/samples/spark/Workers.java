package io.tproc.samples.spark;

import io.tproc.TprocHost;
import io.tproc.arrow.ArrowPool;
import io.tproc.worker.WorkerPoolBuilder;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumMap;
import java.util.Map;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.jspecify.annotations.Nullable;

/**
 * The workers of this executor: one of each kind for each of its cores, from the first task on that
 * wants one, until the JVM ends.
 */
final class Workers {
  private static @Nullable Workers ofThisExecutor;

  final BufferAllocator allocator = new RootAllocator();
  private final TprocHost host = TprocHost.open();
  private final Map<Worker, ArrowPool> pools = new EnumMap<>(Worker.class);

  private Workers() {}

  static synchronized Workers get() {
    Workers known = ofThisExecutor;
    if (known == null) {
      known = new Workers();
      ofThisExecutor = known;
    }
    return known;
  }

  synchronized ArrowPool pool(Worker worker, int count) {
    try {
      ArrowPool known = pools.get(worker);
      if (known == null) {
        known = ArrowPool.open(host, builder(worker, count), allocator);
        pools.put(worker, known);
      }
      return known;
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    } catch (InterruptedException cancelled) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(cancelled);
    }
  }

  private WorkerPoolBuilder builder(Worker worker, int count)
      throws IOException, InterruptedException {
    String program = unpacked(worker.program).toString();
    return switch (worker) {
      case CPP -> host.workers(program).count(count);
      case PYTHON -> host.python().count(count).workers(program);
    };
  }

  /**
   * It travels in the jar, as the classes do, and stays unpacked: a worker that has crashed is
   * started anew.
   */
  private static Path unpacked(String name) throws IOException {
    var mode = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
    Path file = Files.createTempFile(name, "", mode);
    file.toFile().deleteOnExit();
    try (InputStream packed = Workers.class.getResourceAsStream("/" + name)) {
      if (packed == null) {
        throw new FileNotFoundException("no " + name + " in the jar");
      }
      Files.copy(packed, file, StandardCopyOption.REPLACE_EXISTING);
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwx------"));
    }
    return file;
  }
}
