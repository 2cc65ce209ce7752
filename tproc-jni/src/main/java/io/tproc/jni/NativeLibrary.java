package io.tproc.jni;

import io.tproc.TprocUnavailableException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Loads {@code libtproc-jni.so}: from the file that {@code -Dtproc.library} names, else from {@code
 * java.library.path}, else from the classifier jar, which is unpacked into {@code -Dtproc.tmpdir}
 * or {@code java.io.tmpdir}.
 */
final class NativeLibrary {
  /** Names the library's file; nothing else is tried then. */
  static final String PROPERTY = "tproc.library";

  static final String NAME = "tproc-jni";

  /** What glibc's and musl's dynamic linkers say when a library does not fit what is there. */
  private static final List<String> LINKERS_WORDS =
      List.of(
          "GLIBC_",
          "undefined symbol",
          "symbol not found",
          "Error relocating",
          "Error loading shared library",
          "cannot open shared object file",
          "wrong ELF class");

  private static final String LINKING =
      "it cannot be linked into this JVM: tproc needs a JVM for glibc 2.17 or newer, or for musl,"
          + " of this machine's architecture";

  /** How libraries get into the JVM; another one in tests. */
  interface Loader {
    void load(Path file);

    void loadLibrary(String name);

    /**
     * Loads a library out of a jar.
     *
     * @return false when there is no such library in any jar
     */
    boolean loadFromJar(String folder, String name) throws IOException;
  }

  private static final Object LOCK = new Object();

  /**
   * A JVM cannot unload a library while its class loader lives, so there is nothing that a test
   * could want to reset.
   */
  private static boolean loaded;

  private final Loader loader;
  private final String module;

  NativeLibrary(Loader loader, @Nullable String moduleName) {
    this.loader = loader;
    this.module = moduleName != null ? moduleName : "ALL-UNNAMED";
  }

  /**
   * Loads the library unless it is loaded. A failure is not remembered: what was missing may be
   * there next time.
   *
   * @throws TprocUnavailableException saying what is missing, and what to do
   */
  static void ensureLoaded() {
    synchronized (LOCK) {
      if (!loaded) {
        new NativeLibrary(new JvmLoader(), NativeLibrary.class.getModule().getName())
            .load(
                Machine.of(System.getProperty("os.name", ""), System.getProperty("os.arch", "")),
                System.getProperty(PROPERTY));
        loaded = true;
      }
    }
  }

  void load(Machine machine, @Nullable String file) {
    try {
      if (file != null && !file.isEmpty()) {
        loadFile(file);
      } else {
        search(machine);
      }
    } catch (IllegalCallerException denied) { // JDK 24+, --illegal-native-access=deny
      throw new TprocUnavailableException(
          "this JVM denies native access to "
              + module
              + ": start it with --enable-native-access="
              + module,
          denied);
    }
  }

  private void loadFile(String file) {
    try {
      loader.load(Path.of(file).toAbsolutePath());
    } catch (UnsatisfiedLinkError refused) {
      throw new TprocUnavailableException(
          "the native library of -D"
              + PROPERTY
              + "="
              + file
              + " does not load: "
              + refused.getMessage()
              + (cannotBeLinked(refused) ? "; " + LINKING : ""),
          refused);
    }
  }

  /** The place is to blame, unless the dynamic linker says that it is the library or the JVM. */
  private static String advice(Throwable refused) {
    return cannotBeLinked(refused)
        ? LINKING
        : "it is unpacked into "
            + Unpacked.place()
            + ", which must be writable and not mounted noexec. Name another directory with -D"
            + Unpacked.PROPERTY
            + "=DIRECTORY, or unpack it with the command tproc unpack-library and name it with -D"
            + PROPERTY
            + "=FILE";
  }

  private static boolean cannotBeLinked(Throwable refused) {
    String message = String.valueOf(refused.getMessage());
    return refused instanceof UnsatisfiedLinkError
        && LINKERS_WORDS.stream().anyMatch(message::contains);
  }

  private void search(Machine machine) {
    UnsatisfiedLinkError notOnPath;
    try {
      loader.loadLibrary(NAME);
      return;
    } catch (UnsatisfiedLinkError refused) {
      notOnPath = refused;
    }
    try {
      if (loader.loadFromJar(machine.folder, NAME)) {
        return;
      }
    } catch (IOException | UnsatisfiedLinkError refused) {
      refused.addSuppressed(notOnPath);
      throw new TprocUnavailableException(
          "the native library of the jar for "
              + machine.classifier
              + " does not load: "
              + refused.getMessage()
              + "; "
              + advice(refused),
          refused);
    }
    throw new TprocUnavailableException(
        "no native library for this machine: add the dependency io.tproc:tproc-jni with the"
            + " classifier "
            + machine.classifier
            + ", or name the library with -D"
            + PROPERTY
            + "=FILE ("
            + notOnPath.getMessage()
            + ")",
        notOnPath);
  }
}
