package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.InputStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;

/** Tests of what is Java 22's, in sources that are compiled by the Java that runs them. */
final class ForeignSource {
  private ForeignSource() {}

  /** Runs {@code run(String)} of a class in {@code resources/foreign}. */
  static void run(Path directory, String name, String argument) throws Exception {
    assumeTrue(Runtime.version().feature() >= 22, "skipped: java.lang.foreign is Java 22's");
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    assumeTrue(compiler != null, "skipped: this Java has no compiler");
    Path source = directory.resolve(name + ".java");
    try (InputStream text = ForeignSource.class.getResourceAsStream("/foreign/" + name + ".java")) {
      Files.copy(text, source);
    }
    String classPath = System.getProperty("java.class.path");
    String[] arguments = {"-cp", classPath, "-d", directory.toString(), source.toString()};
    assertThat(compiler.run(null, null, null, arguments)).isZero();
    try (URLClassLoader loader =
        new URLClassLoader(
            new URL[] {directory.toUri().toURL()}, ForeignSource.class.getClassLoader())) {
      loader.loadClass(name).getMethod("run", String.class).invoke(null, argument);
    }
  }
}
