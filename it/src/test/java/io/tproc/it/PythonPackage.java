package io.tproc.it;

import java.nio.file.Path;
import java.util.Map;

/** libtproc-python, as programs find it. */
final class PythonPackage {
  static final Path PATH = Path.of("../libtproc-python").toAbsolutePath().normalize();

  static final Map<String, String> ENVIRONMENT =
      Map.of(
          "PYTHONPATH", PATH.toString(),
          "PYTHONDONTWRITEBYTECODE", "1",
          "TPROC_LIBRARY", libraries().resolve("libtproc.so").toString());

  private PythonPackage() {}

  static Path libraries() {
    return Path.of(Programs.cli()).getParent().resolveSibling("lib").toAbsolutePath();
  }
}
