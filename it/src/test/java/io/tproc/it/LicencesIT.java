package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.jar.JarFile;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.Test;

/** Who copies a jar has the licence of all that is in it. */
class LicencesIT {
  private static final String FOLDER = "META-INF/licenses/";

  @Test
  void everyJarHasTprocsOwn() throws IOException {
    for (Path file : jars()) {
      try (JarFile jar = new JarFile(file.toFile())) {
        assertThat(text(jar, "META-INF/LICENSE")).as("LICENSE in " + file).contains("MIT License");
      }
    }
  }

  @Test
  void aJarWithLibffiInItsCalleeHasItsLicence() throws IOException {
    for (Path file : jars()) {
      try (JarFile jar = new JarFile(file.toFile())) {
        boolean callee = jar.stream().anyMatch(entry -> entry.getName().endsWith("/tproc-callee"));
        boolean licence = jar.getEntry(FOLDER + "libffi.txt") != null;
        assertThat(licence).as("libffi.txt in " + file).isEqualTo(callee);
      }
    }
  }

  @Test
  void aJarWithNativeLibLoaderHasItsLicence() throws IOException {
    for (Path file : jars()) {
      try (JarFile jar = new JarFile(file.toFile())) {
        boolean classes = jar.getEntry("io/tproc/jni/nativelib/BaseJniExtractor.class") != null;
        boolean licence = jar.getEntry(FOLDER + "native-lib-loader.txt") != null;
        assertThat(licence).as("native-lib-loader.txt in " + file).isEqualTo(classes);
      }
    }
  }

  /** A dependency that comes to tproc.jar gets its line. */
  @Test
  void theCommandsJarNamesTheLicenceOfAllThatIsOthers() throws IOException {
    try (JarFile jar = new JarFile(commandsJar().toFile())) {
      Map<String, String> licences =
          text(jar, FOLDER + "third-party.txt")
              .lines()
              .skip(2)
              .map(line -> line.split("\\s{2,}"))
              .collect(Collectors.toMap(words -> words[0], words -> words[2]));
      assertThat(licences.values())
          .allSatisfy(name -> assertThat(text(jar, FOLDER + name)).isNotEmpty());

      List<String> classes =
          jar.stream()
              .map(entry -> entry.getName().replaceFirst("^META-INF/versions/[0-9]+/", ""))
              .filter(name -> name.endsWith(".class"))
              .toList();
      assertThat(classes)
          .as("classes that nobody is named for")
          .allMatch(
              name ->
                  name.startsWith("io/tproc/")
                      || licences.keySet().stream().anyMatch(name::startsWith));
      assertThat(licences.keySet())
          .as("names of what is not there")
          .allMatch(prefix -> jar.stream().anyMatch(entry -> entry.getName().startsWith(prefix)));
    }
  }

  /** What of tproc is on the class path, and the command's jar. */
  private static List<Path> jars() {
    Stream<Path> onClassPath =
        Stream.of(System.getProperty("java.class.path").split(":"))
            .map(Path::of)
            .filter(
                path ->
                    path.getFileName()
                        .toString()
                        .matches("(.*-)?tproc-(api|jni|arrow|cli)-.*\\.jar"));
    return Stream.concat(onClassPath, Stream.of(commandsJar())).toList();
  }

  private static Path commandsJar() {
    return Path.of(Programs.cli()).getParent().resolveSibling("lib/tproc.jar");
  }

  private static String text(JarFile jar, String name) throws IOException {
    ZipEntry entry = jar.getEntry(name);
    assertThat(entry).as(name + " in " + jar.getName()).isNotNull();
    return new String(jar.getInputStream(entry).readAllBytes(), StandardCharsets.UTF_8);
  }
}
