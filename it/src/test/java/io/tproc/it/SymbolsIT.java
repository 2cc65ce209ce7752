package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The published library has no symbols, and those of the other jar are its own. */
class SymbolsIT {
  private static final Path BUILT = Path.of("../tproc-jni/target").toAbsolutePath().normalize();
  private static final Pattern BUILD_ID = Pattern.compile("Build ID: ([0-9a-f]{2})([0-9a-f]+)");

  private static Path file(String kind, String architecture, String name) throws Exception {
    Path directory = BUILT.resolve(kind + "/linux-" + architecture);
    assumeTrue(Files.isDirectory(directory), "skipped: not built here for " + architecture);
    try (Stream<Path> files = Files.walk(directory)) {
      return files
          .filter(each -> each.getFileName().toString().equals(name))
          .findFirst()
          .orElseThrow();
    }
  }

  private static String output(String... command) throws Exception {
    Outcome outcome = Outcome.natively(List.of(command));
    assertThat(outcome.exitValue).as(outcome.toString()).isZero();
    return outcome.output();
  }

  private static Matcher buildId(Path file) throws Exception {
    Matcher id = BUILD_ID.matcher(output(Programs.installed("readelf"), "-n", file.toString()));
    assertThat(id.find()).as("build id in " + file).isTrue();
    return id;
  }

  @ParameterizedTest
  @ValueSource(strings = {"x86_64", "aarch64"})
  void libraryAndSymbolsHaveOneBuildId(String architecture) throws Exception {
    Path library = file("natives", architecture, "libtproc-jni.so");
    Path symbols = file("symbols", architecture, "libtproc-jni.so.debug");
    assertThat(buildId(library).group()).isEqualTo(buildId(symbols).group());

    String readelf = Programs.installed("readelf");
    assertThat(output(readelf, "-SW", library.toString()))
        .contains(".gnu_debuglink")
        .doesNotContain(".symtab", ".debug_info");
    assertThat(output(readelf, "-SW", symbols.toString())).contains(".symtab", ".debug_info");
  }

  @Test
  void gdbFindsThemBesideTheLibrary(@TempDir Path directory) throws Exception {
    Path library = file("natives", own(), "libtproc-jni.so");
    Path symbols = file("symbols", own(), "libtproc-jni.so.debug");
    Path copy = Files.copy(library, directory.resolve("libtproc-jni.so"));
    assertThat(line(copy)).as("without symbols").doesNotContain("host.c");

    Files.copy(symbols, directory.resolve("libtproc-jni.so.debug"));

    assertThat(line(copy)).containsPattern("Line \\d+ of \"tproc-native/src/main/c/host/host.c\"");
  }

  @Test
  void gdbFindsThemByTheBuildId(@TempDir Path directory) throws Exception {
    Path library = file("natives", own(), "libtproc-jni.so");
    Matcher id = buildId(library);
    Path place = directory.resolve(".build-id/" + id.group(1) + "/" + id.group(2) + ".debug");
    Files.createDirectories(place.getParent());
    Files.copy(file("symbols", own(), "libtproc-jni.so.debug"), place);

    assertThat(line(library, "-iex", "set debug-file-directory " + directory))
        .containsPattern("Line \\d+ of \"tproc-native/src/main/c/host/host.c\"");
  }

  private static String line(Path library, String... options) throws Exception {
    Stream<String> command =
        Stream.of(
                Stream.of(Programs.installed("gdb"), "-nx", "--batch"),
                Stream.of(options),
                Stream.of("-ex", "info line tproc_host_open", library.toString()))
            .flatMap(each -> each);
    return Outcome.natively(command.toList()).output();
  }

  private static String own() {
    return System.getProperty("os.arch").equals("amd64") ? "x86_64" : "aarch64";
  }
}
