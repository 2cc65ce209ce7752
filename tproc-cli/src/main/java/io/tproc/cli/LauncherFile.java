package io.tproc.cli;

import com.google.common.hash.Hashing;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The launcher of this machine's architecture, as a file of this user's.
 *
 * <p>It stands in a directory that is named after its contents: another version of tproc gets
 * another one, and a file that is there is complete, because it is moved there in one step.
 */
final class LauncherFile {
  private static final String NAME = "tproc-run";
  private static final int HASH_LENGTH = 16;
  private static final Set<PosixFilePermission> DIRECTORY =
      PosixFilePermissions.fromString("rwx------");
  private static final Set<PosixFilePermission> PROGRAM =
      PosixFilePermissions.fromString("rwxr-xr-x");

  private final String resource;
  private final Path cache;

  LauncherFile(String resource, Path cache) {
    this.resource = resource;
    this.cache = cache;
  }

  /** For this machine and this user. */
  static LauncherFile installed() {
    String machine = System.getProperty("os.arch", "");
    String architecture = machine.equals("amd64") ? "x86_64" : machine;
    return new LauncherFile(
        "/launcher/linux-" + architecture + "/" + NAME,
        cache(System.getenv(), Path.of(System.getProperty("user.home", "/"))));
  }

  /** The XDG Base Directory Specification's rule: a relative path is as none. */
  static Path cache(Map<String, String> environment, Path home) {
    @Nullable String cache = environment.get("XDG_CACHE_HOME");
    boolean usable = cache != null && cache.startsWith("/");
    return (usable ? Path.of(Objects.requireNonNull(cache)) : home.resolve(".cache"))
        .resolve("tproc");
  }

  /**
   * Makes sure that the file is there.
   *
   * @return its absolute path
   * @throws IOException when there is none for this machine, or it cannot be written
   */
  Path unpack() throws IOException {
    byte[] program = read();
    Path directory =
        cache.resolve(Hashing.sha256().hashBytes(program).toString().substring(0, HASH_LENGTH));
    Path file = directory.resolve(NAME).toAbsolutePath();
    try {
      if (!isThere(file, program)) {
        Files.createDirectories(directory, PosixFilePermissions.asFileAttribute(DIRECTORY));
        write(directory, file, program);
      }
    } catch (IOException failed) {
      throw new IOException("cannot unpack the launcher to " + file + ": " + failed, failed);
    }
    return file;
  }

  private byte[] read() throws IOException {
    try (@Nullable InputStream stream = LauncherFile.class.getResourceAsStream(resource)) {
      if (stream == null) {
        throw new IOException(
            "there is no launcher for this machine in this jar: " + resource.substring(1));
      }
      return stream.readAllBytes();
    }
  }

  private static boolean isThere(Path file, byte[] program) throws IOException {
    return Files.isExecutable(file) && Arrays.equals(Files.readAllBytes(file), program);
  }

  private static void write(Path directory, Path file, byte[] program) throws IOException {
    Path unfinished = Files.createTempFile(directory, NAME, ".tmp");
    try {
      Files.write(unfinished, program);
      Files.setPosixFilePermissions(unfinished, PROGRAM);
      Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(unfinished);
    }
  }
}
