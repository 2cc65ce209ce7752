package io.tproc.jni;

import io.tproc.jni.nativelib.DirectoryExtractor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Loads libraries into this JVM, bound to this class's loader. */
final class JvmLoader implements NativeLibrary.Loader {
  /** What a JVM says of a file that another class loader of it has loaded. */
  private static final String TAKEN = "already loaded in another classloader";

  /** One file is for one class loader; a second web application gets a copy of it. */
  @Override
  public void load(Path file) {
    try {
      loadItself(file);
    } catch (UnsatisfiedLinkError refused) {
      if (refused.getMessage() == null || !refused.getMessage().contains(TAKEN)) {
        throw refused;
      }
      try (Unpacked copy = Unpacked.create(Unpacked.place())) {
        loadItself(Files.copy(file, copy.library()));
      } catch (IOException unwritable) {
        refused.addSuppressed(unwritable);
        throw refused;
      }
    }
  }

  @SuppressWarnings("restricted") // Loading native code is what this module is for.
  private static void loadItself(Path file) {
    System.load(file.toString());
  }

  @Override
  @SuppressWarnings("restricted")
  public void loadLibrary(String name) {
    System.loadLibrary(name);
  }

  @Override
  public boolean loadFromJar(String folder, String name) throws IOException {
    ClassLoader jars = JvmLoader.class.getClassLoader();
    if (jars.getResource(folder + System.mapLibraryName(name)) == null) {
      return false;
    }
    try (Unpacked unpacked = Unpacked.create(Unpacked.place())) {
      loadItself(unpack(folder, name, unpacked.directory()));
    }
    return true;
  }

  private static Path unpack(String folder, String name, Path directory) throws IOException {
    return new DirectoryExtractor(JvmLoader.class, directory.toFile())
        .extractJni(folder, name)
        .toPath();
  }
}
