package io.tproc.samples.spark;

import io.tproc.TprocHost;
import io.tproc.arrow.ArrowPool;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.jspecify.annotations.Nullable;

/**
 * The workers of this executor: one for each of its cores, from the first task on, until the JVM
 * ends.
 */
final class Workers {
  private static @Nullable Workers ofThisExecutor;

  final BufferAllocator allocator = new RootAllocator();
  final ArrowPool pool;

  private Workers(int count) throws IOException, InterruptedException {
    TprocHost host = TprocHost.open();
    boolean done = false;
    try {
      pool = ArrowPool.open(host, host.workers(program().toString()).count(count), allocator);
      done = true;
    } finally {
      if (!done) {
        host.close();
      }
    }
  }

  static synchronized Workers get(int count) {
    try {
      Workers known = ofThisExecutor;
      if (known == null) {
        known = new Workers(count);
        ofThisExecutor = known;
      }
      return known;
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    } catch (InterruptedException cancelled) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(cancelled);
    }
  }

  /**
   * It travels in the jar, as the classes do, and stays unpacked: a worker that has crashed is
   * started anew.
   */
  private static Path program() throws IOException {
    var mode = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
    Path file = Files.createTempFile("totals", "", mode);
    file.toFile().deleteOnExit();
    try (InputStream packed = Workers.class.getResourceAsStream("/totals")) {
      if (packed == null) {
        throw new FileNotFoundException("no totals in the jar");
      }
      Files.copy(packed, file, StandardCopyOption.REPLACE_EXISTING);
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwx------"));
    }
    return file;
  }
}
