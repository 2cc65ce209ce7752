package io.tproc.jni;

import io.tproc.spi.UnpackedProgram;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The program that contained libraries run in, as a file: the one that {@code -Dtproc.callee}
 * names, else the classifier jar's, unpacked.
 *
 * <p>It is unpacked below the user's cache or, when that cannot be written, where the native
 * library is unpacked.
 */
final class CalleeFile {
  /** Names the file; nothing else is tried then. */
  static final String PROPERTY = "tproc.callee";

  private static final String NAME = "tproc-callee";

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
            UnpackedProgram.userCache(
                System.getenv("XDG_CACHE_HOME"), System.getProperty("user.home", "/")),
            Unpacked.place().resolve("tproc-" + System.getProperty("user.name"))));
  }

  Path path() throws IOException {
    String named = System.getProperty(PROPERTY, "");
    return named.isEmpty() ? unpack() : Path.of(named).toAbsolutePath();
  }

  private Path unpack() throws IOException {
    UnpackedProgram program = new UnpackedProgram(NAME, read());
    @Nullable IOException refused = null;
    for (Path cache : caches) {
      try {
        return program.below(cache);
      } catch (IOException failed) {
        if (refused != null) {
          failed.addSuppressed(refused);
        }
        refused = failed;
      }
    }
    throw refused != null ? refused : new IOException("nowhere to unpack " + NAME);
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
}
