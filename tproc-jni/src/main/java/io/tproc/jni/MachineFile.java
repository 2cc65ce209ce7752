package io.tproc.jni;

import io.tproc.spi.UnpackedProgram;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What programs need of the classifier jar, as a file: the one that a system property names, else
 * the one beside the library of {@code -Dtproc.library}, else the jar's, unpacked.
 *
 * <p>It is unpacked below the user's cache or, when that cannot be written, where the native
 * library is unpacked.
 */
final class MachineFile {
  /**
   * Which file.
   *
   * @param name in the jar, and of the file
   * @param property names another file; nothing else is tried then
   * @param purpose what it is for, in messages
   */
  record Kind(String name, String property, String purpose) {}

  /** The program that contained libraries run in. */
  static final Kind CALLEE =
      new Kind("tproc-callee", "tproc.callee", "in which libraries are contained");

  /** What hosted programs link. */
  static final Kind LIBTPROC =
      new Kind("libtproc.so.0.1", "tproc.libtproc", "which interpreters of Python load");

  private final Kind kind;
  private final Machine machine;
  private final ClassLoader loader;
  private final List<Path> caches;

  MachineFile(Kind kind, Machine machine, ClassLoader loader, List<Path> caches) {
    this.kind = kind;
    this.machine = machine;
    this.loader = loader;
    this.caches = caches;
  }

  static MachineFile forThisMachine(Kind kind) {
    return new MachineFile(
        kind,
        Machine.of(System.getProperty("os.name", ""), System.getProperty("os.arch", "")),
        MachineFile.class.getClassLoader(),
        caches());
  }

  /** Where files are unpacked, the first that can be written. */
  static List<Path> caches() {
    return List.of(
        UnpackedProgram.userCache(
            System.getenv("XDG_CACHE_HOME"), System.getProperty("user.home", "/")),
        Unpacked.place().resolve("tproc-" + System.getProperty("user.name")));
  }

  Path path() throws IOException {
    String named = System.getProperty(kind.property, "");
    if (!named.isEmpty()) {
      return Path.of(named).toAbsolutePath();
    }
    @Nullable Path beside = besideLibrary();
    return beside != null ? beside : unpack(kind.name, read(), caches);
  }

  /** Who unpacked the library where nothing else can be unpacked has unpacked this, too. */
  private @Nullable Path besideLibrary() {
    String library = System.getProperty(NativeLibrary.PROPERTY, "");
    if (library.isEmpty()) {
      return null;
    }
    Path file = Path.of(library).toAbsolutePath().resolveSibling(kind.name);
    return Files.isExecutable(file) ? file : null;
  }

  static Path unpack(String name, byte[] contents, List<Path> caches) throws IOException {
    UnpackedProgram program = new UnpackedProgram(name, contents);
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
    throw refused != null ? refused : new IOException("nowhere to unpack " + name);
  }

  private byte[] read() throws IOException {
    try (InputStream stream = loader.getResourceAsStream(machine.folder + kind.name)) {
      if (stream == null) {
        throw new IOException(
            "no "
                + kind.name
                + " for this machine, "
                + kind.purpose
                + ": add the dependency io.tproc:tproc-jni with the classifier "
                + machine.classifier
                + ", or name the file with -D"
                + kind.property
                + "=FILE");
      }
      return stream.readAllBytes();
    }
  }
}
