package io.tproc.samples;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Where the native sample programs are: in the directory named by the system property {@code
 * tproc.samples}, or where {@code make -C samples} puts them, seen from the project's root or from
 * {@code samples/}.
 */
final class SamplePrograms {
  private static final String ARCHITECTURE =
      System.getProperty("os.arch").equals("amd64") ? "x86_64" : System.getProperty("os.arch");

  private SamplePrograms() {}

  /** The absolute path of a sample program. */
  static String path(String name) {
    String directory = System.getProperty("tproc.samples");
    List<Path> candidates =
        directory != null
            ? List.of(Path.of(directory, name))
            : List.of(
                Path.of("samples", "target", ARCHITECTURE, "bin", name),
                Path.of("target", ARCHITECTURE, "bin", name));
    return candidates.stream()
        .filter(Files::isExecutable)
        .findFirst()
        .map(path -> path.toAbsolutePath().toString())
        .orElseThrow(
            () ->
                new IllegalStateException(
                    "cannot find the sample program "
                        + name
                        + " at "
                        + candidates
                        + "; build it with make -C samples"));
  }
}
