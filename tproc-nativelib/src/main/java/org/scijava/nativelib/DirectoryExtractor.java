package org.scijava.nativelib;

import java.io.File;
import java.io.IOException;

/**
 * Unpacks into one directory that is the caller's, and touches nothing else.
 *
 * <p>In native-lib-loader's package for the sake of one method: its other extractors, when they are
 * made, delete directories in java.io.tmpdir that other JVMs have unpacked into.
 */
public final class DirectoryExtractor extends BaseJniExtractor {
  private final File directory;

  /**
   * An extractor for the jars of a class loader.
   *
   * @param whose a class of that loader
   * @param directory the caller's, which removes it
   */
  public DirectoryExtractor(Class<?> whose, File directory) throws IOException {
    super(whose);
    this.directory = directory;
  }

  @Override
  public File getNativeDir() {
    return directory;
  }

  @Override
  public File getJniDir() {
    return directory;
  }

  @Override
  void deleteLeftoverFiles() {}
}
