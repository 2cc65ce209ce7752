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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A contained library in the place of java.lang.foreign's linker. The calls are compiled here,
 * since this module is built for Java 17.
 */
class ForeignCallsIT {
  @Test
  void inThePlaceOfTheLinker(@TempDir Path directory) throws Exception {
    assumeTrue(Runtime.version().feature() >= 22, "skipped: java.lang.foreign is Java 22's");
    URL compiled = getClass().getResource("/foreign/ForeignCalls.class");
    URL classes = compiled != null ? new URL(compiled, ".") : compile(directory);
    try (URLClassLoader loader =
        new URLClassLoader(new URL[] {classes}, getClass().getClassLoader())) {
      loader
          .loadClass("ForeignCalls")
          .getMethod("run", String.class)
          .invoke(null, Programs.library("contained"));
    }
  }

  /** In the guest, which has no compiler, that has been done (it/guest/stage). */
  private URL compile(Path directory) throws Exception {
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    assumeTrue(compiler != null, "skipped: this Java has no compiler");
    Path source = directory.resolve("ForeignCalls.java");
    try (InputStream text = getClass().getResourceAsStream("/foreign/ForeignCalls.java")) {
      Files.copy(text, source);
    }
    int failed =
        compiler.run(
            null,
            null,
            null,
            "-cp",
            System.getProperty("java.class.path"),
            "-d",
            directory.toString(),
            source.toString());
    assertThat(failed).isZero();
    return directory.toUri().toURL();
  }
}
