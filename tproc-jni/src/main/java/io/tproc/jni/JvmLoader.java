package io.tproc.jni;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.scijava.nativelib.BaseJniExtractor;

/** Loads libraries into this JVM, bound to this class's loader. */
final class JvmLoader implements NativeLibrary.Loader {
  @Override
  @SuppressWarnings("restricted") // Loading native code is what this module is for.
  public void load(Path file) {
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
    Path directory = Files.createTempDirectory("tproc-");
    try {
      File library = new PrivateExtractor(directory).extractJni(folder, name);
      load(library.toPath());
    } finally {
      // Mapped it stays; and no file is left for a JVM that is killed, or for another user to
      // exchange.
      delete(directory.resolve(System.mapLibraryName(name)));
      delete(directory);
    }
    return true;
  }

  private static void delete(Path path) {
    try {
      Files.deleteIfExists(path);
    } catch (IOException stays) {
      // An empty directory or a file too many is no reason to refuse a library that has been
      // loaded.
    }
  }

  /**
   * native-lib-loader's extraction, into a directory that only this user can write to. Its
   * DefaultJniExtractor makes a name first and a directory later, which leaves a moment for others,
   * and lets any later JVM delete the files.
   */
  private static final class PrivateExtractor extends BaseJniExtractor {
    private final File directory;

    PrivateExtractor(Path directory) throws IOException {
      super(JvmLoader.class);
      this.directory = directory.toFile();
    }

    @Override
    public File getNativeDir() {
      return directory;
    }

    @Override
    public File getJniDir() {
      return directory;
    }
  }
}
