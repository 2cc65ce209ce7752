package io.tproc.spi;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A program out of a jar, as a file of this user's.
 *
 * <p>It stands in a directory that is named after its contents: another version of tproc gets
 * another one, and a file that is there is complete, because it is moved there in one step.
 * Thread-safe, also among processes.
 */
public final class UnpackedProgram {
  private static final int HASH_LENGTH = 16;
  private static final Set<PosixFilePermission> DIRECTORY =
      PosixFilePermissions.fromString("rwx------");
  private static final Set<PosixFilePermission> PROGRAM =
      PosixFilePermissions.fromString("rwxr-xr-x");

  private final String name;
  private final byte[] program;

  /**
   * Says which program; nothing is written yet.
   *
   * @param name of the file
   * @param program its contents; not copied
   */
  public UnpackedProgram(String name, byte[] program) {
    this.name = name;
    this.program = program;
  }

  /**
   * Where this user's programs are kept: the XDG Base Directory Specification's cache, in which a
   * relative path is as none.
   *
   * @param xdgCacheHome the value of XDG_CACHE_HOME, or null
   * @param home the user's home directory
   * @return the directory, which need not be there
   */
  public static Path userCache(@Nullable String xdgCacheHome, String home) {
    Path cache =
        xdgCacheHome != null && xdgCacheHome.startsWith("/")
            ? Path.of(xdgCacheHome)
            : Path.of(home, ".cache");
    return cache.resolve("tproc");
  }

  /**
   * Makes sure that the file is there and right.
   *
   * @param cache the directory below which it stands
   * @return its absolute path
   * @throws IOException when it cannot be written, or others may write to its directory
   */
  public Path below(Path cache) throws IOException {
    Path directory = cache.resolve(hash()).toAbsolutePath();
    Path file = directory.resolve(name);
    try {
      Files.createDirectories(directory, PosixFilePermissions.asFileAttribute(DIRECTORY));
      requireOurs(directory);
      if (!isThere(file)) {
        write(directory, file);
      }
    } catch (IOException failed) {
      throw new IOException("cannot unpack " + name + " below " + cache + ": " + failed, failed);
    }
    return file;
  }

  /**
   * Writes the file into a directory that its user has named, and that others may read.
   *
   * @param directory is made when it is not there; a file of that name in it is replaced
   * @return the file's absolute path
   * @throws IOException when it cannot be written
   */
  public Path into(Path directory) throws IOException {
    Path file = directory.resolve(name).toAbsolutePath();
    try {
      Files.createDirectories(directory);
      write(directory, file);
    } catch (IOException failed) {
      throw new IOException("cannot unpack " + name + " into " + directory + ": " + failed, failed);
    }
    return file;
  }

  private String hash() {
    try {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(program);
      return HexFormat.of().formatHex(hash).substring(0, HASH_LENGTH);
    } catch (NoSuchAlgorithmException impossible) { // every JVM has it
      throw new AssertionError(impossible);
    }
  }

  /** Another user's file in a directory that all may write to is not used. */
  private void requireOurs(Path directory) throws IOException {
    Path probe = Files.createTempFile(directory, name, ".tmp");
    try {
      if (!Files.getOwner(directory).equals(Files.getOwner(probe))
          || !Files.getPosixFilePermissions(directory).equals(DIRECTORY)) {
        throw new IOException(directory + " belongs to another user, or others may write to it");
      }
    } finally {
      Files.deleteIfExists(probe);
    }
  }

  private boolean isThere(Path file) throws IOException {
    return Files.isExecutable(file) && Arrays.equals(Files.readAllBytes(file), program);
  }

  private void write(Path directory, Path file) throws IOException {
    Path unfinished = Files.createTempFile(directory, name, ".tmp");
    try {
      Files.write(unfinished, program);
      Files.setPosixFilePermissions(unfinished, PROGRAM);
      Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(unfinished);
    }
  }
}
