package io.tproc.jni;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The program that contained libraries run in, as a file: the one that {@code -Dtproc.callee}
 * names, else the classifier jar's, unpacked.
 *
 * <p>It is unpacked into a directory that is named after its contents, below the user's cache or,
 * when that cannot be written, where the native library is unpacked: another version gets another
 * one, and a file that is there is complete, because it is moved there in one step.
 */
final class CalleeFile {
  /** Names the file; nothing else is tried then. */
  static final String PROPERTY = "tproc.callee";

  private static final String NAME = "tproc-callee";
  private static final int HASH_LENGTH = 16;
  private static final Set<PosixFilePermission> DIRECTORY =
      PosixFilePermissions.fromString("rwx------");
  private static final Set<PosixFilePermission> PROGRAM =
      PosixFilePermissions.fromString("rwxr-xr-x");

  private final Machine machine;
  private final ClassLoader loader;
  private final List<Path> caches;

  CalleeFile(Machine machine, ClassLoader loader, List<Path> caches) {
    this.machine = machine;
    this.loader = loader;
    this.caches = caches;
  }

  static CalleeFile forThisMachine() {
    return new CalleeFile(
        Machine.of(System.getProperty("os.name", ""), System.getProperty("os.arch", "")),
        CalleeFile.class.getClassLoader(),
        List.of(
            userCache(System.getenv("XDG_CACHE_HOME"), System.getProperty("user.home", "/")),
            Unpacked.place().resolve("tproc-" + System.getProperty("user.name"))));
  }

  /** The XDG Base Directory Specification's rule: a relative path is as none. */
  static Path userCache(@Nullable String cache, String home) {
    boolean usable = cache != null && cache.startsWith("/");
    return (usable ? Path.of(cache) : Path.of(home, ".cache")).resolve("tproc");
  }

  Path path() throws IOException {
    String named = System.getProperty(PROPERTY, "");
    return named.isEmpty() ? unpack() : Path.of(named).toAbsolutePath();
  }

  private Path unpack() throws IOException {
    byte[] program = read();
    String directory = hash(program);
    @Nullable IOException refused = null;
    for (Path cache : caches) {
      try {
        return unpack(program, cache.resolve(directory).resolve(NAME).toAbsolutePath());
      } catch (IOException failed) {
        failed =
            new IOException("cannot unpack " + NAME + " below " + cache + ": " + failed, failed);
        if (refused != null) {
          failed.addSuppressed(refused);
        }
        refused = failed;
      }
    }
    throw refused != null ? refused : new IOException("nowhere to unpack " + NAME);
  }

  private static String hash(byte[] program) {
    try {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(program);
      return HexFormat.of().formatHex(hash).substring(0, HASH_LENGTH);
    } catch (NoSuchAlgorithmException impossible) { // every JVM has it
      throw new AssertionError(impossible);
    }
  }

  private byte[] read() throws IOException {
    try (InputStream stream = loader.getResourceAsStream(machine.folder + NAME)) {
      if (stream == null) {
        throw new IOException(
            "no "
                + NAME
                + " for this machine, in which libraries are contained: add the dependency io.tproc:tproc-jni with the"
                + " classifier "
                + machine.classifier
                + ", or name the file with -D"
                + PROPERTY
                + "=FILE");
      }
      return stream.readAllBytes();
    }
  }

  /** Another user's file in a directory that all may write to is not used. */
  private static Path unpack(byte[] program, Path file) throws IOException {
    Path directory = Objects.requireNonNull(file.getParent());
    Files.createDirectories(directory, PosixFilePermissions.asFileAttribute(DIRECTORY));
    if (!isOurs(directory)) {
      throw new IOException(directory + " belongs to another user, or others may write to it");
    }
    if (!isThere(file, program)) {
      write(directory, file, program);
    }
    return file;
  }

  private static boolean isOurs(Path directory) throws IOException {
    Path probe = Files.createTempFile(directory, NAME, ".tmp");
    try {
      return Files.getOwner(directory).equals(Files.getOwner(probe))
          && Files.getPosixFilePermissions(directory).equals(DIRECTORY);
    } finally {
      Files.deleteIfExists(probe);
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
