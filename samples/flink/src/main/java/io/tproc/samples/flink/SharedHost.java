package io.tproc.samples.flink;

import io.tproc.TprocHost;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import org.jspecify.annotations.Nullable;

/**
 * The host of a task manager's JVM, for all of its slots. It is open while one of them has it, so
 * that nothing is left of a job that has ended.
 */
final class SharedHost implements AutoCloseable {
  private static @Nullable SharedHost current;

  final TprocHost host;
  final Path program;
  private int users;

  private SharedHost(TprocHost host, Path program) {
    this.host = host;
    this.program = program;
  }

  /** To be closed by each user. */
  static SharedHost open() throws IOException {
    synchronized (SharedHost.class) {
      SharedHost shared = current;
      if (shared == null) {
        Path program = unpacked();
        shared = new SharedHost(TprocHost.open(), program);
        current = shared;
      }
      shared.users++;
      return shared;
    }
  }

  @Override
  public void close() throws IOException {
    synchronized (SharedHost.class) {
      if (--users == 0) {
        current = null;
        host.close();
        Files.deleteIfExists(program);
      }
    }
  }

  /** The program travels in the jar, as the classes do. */
  private static Path unpacked() throws IOException {
    var mode = PosixFilePermissions.fromString("rwx------");
    Path file = Files.createTempFile("totals", "", PosixFilePermissions.asFileAttribute(mode));
    file.toFile().deleteOnExit();
    try (InputStream packed = SharedHost.class.getResourceAsStream("/totals")) {
      if (packed == null) {
        throw new FileNotFoundException("no totals in the jar");
      }
      Files.copy(packed, file, StandardCopyOption.REPLACE_EXISTING);
      Files.setPosixFilePermissions(file, mode);
    }
    return file;
  }
}
