package io.tproc.jni;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A directory of this user's own, for a library on its way into the JVM. It is removed as soon as
 * the library is mapped; one that a killed JVM has left behind, by the next JVM that unpacks.
 */
final class Unpacked implements AutoCloseable {
  /** Where libraries are unpacked, instead of java.io.tmpdir. */
  static final String PROPERTY = "tproc.tmpdir";

  private static final Pattern NAME = Pattern.compile("tproc-([0-9]+)-[0-9]+");

  /**
   * A pid says little where several pid namespaces share a directory; no unpacking takes that long.
   */
  private static final Duration LONG_AGO = Duration.ofMinutes(10);

  private final Path directory;

  private Unpacked(Path directory) {
    this.directory = directory;
  }

  /** Where {@link #create} makes its directories. */
  static Path place() {
    String set = System.getProperty(PROPERTY);
    return Path.of(set != null && !set.isEmpty() ? set : System.getProperty("java.io.tmpdir"));
  }

  static Unpacked create(Path place) throws IOException {
    removeLeftovers(place);
    return new Unpacked(
        Files.createTempDirectory(place, "tproc-" + ProcessHandle.current().pid() + "-"));
  }

  Path directory() {
    return directory;
  }

  /** The library's file in it. */
  Path library() {
    return library(directory);
  }

  private static Path library(Path directory) {
    return directory.resolve(System.mapLibraryName(NativeLibrary.NAME));
  }

  /** Mapped it stays; and no file is left for another user to exchange. */
  @Override
  public void close() {
    remove(directory);
  }

  private static void removeLeftovers(Path place) {
    try (DirectoryStream<Path> found = Files.newDirectoryStream(place, "tproc-*")) {
      for (Path candidate : found) {
        if (isLeftover(candidate)) {
          remove(candidate);
        }
      }
    } catch (IOException unreadable) {
      // Then there is nothing to be tidied here, and unpacking says what is wrong.
    }
  }

  private static boolean isLeftover(Path candidate) throws IOException {
    Matcher named = NAME.matcher(candidate.getFileName().toString());
    return named.matches()
        && Files.isDirectory(candidate)
        && Files.getOwner(candidate).equals(Files.getOwner(Path.of("/proc/self")))
        && ProcessHandle.of(Long.parseLong(named.group(1))).isEmpty()
        && Files.getLastModifiedTime(candidate).toInstant().isBefore(Instant.now().minus(LONG_AGO));
  }

  private static void remove(Path directory) {
    try {
      Files.deleteIfExists(library(directory));
      Files.deleteIfExists(directory);
    } catch (IOException stays) {
      // An empty directory or a file too many is no reason to refuse a library that has been
      // loaded.
    }
  }
}
