package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipal;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The archive of its classes with which {@code tproc} starts faster. */
class ClassArchiveIT {
  private static final String SHARED = "io.tproc.cli.PsCommand source: shared objects file (top)";

  @TempDir Path directory;

  @BeforeEach
  void needsAJvmWithAnArchiveOfItsOwn() {
    Path own = Path.of(System.getProperty("java.home"), "lib/server/classes.jsa");
    assumeTrue(Files.exists(own), "skipped: this JVM has no " + own);
  }

  private Outcome tproc(String cache, String options, String... words) throws Exception {
    List<String> command = new ArrayList<>(List.of(Programs.cli()));
    command.addAll(List.of(words));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    builder.environment().put("XDG_CACHE_HOME", cache);
    builder.environment().put("TPROC_JAVA_OPTS", options);
    return Outcome.of(builder.start(), "");
  }

  private String cache() {
    return directory.resolve("a cache").toString();
  }

  private List<Path> archives() throws Exception {
    try (Stream<Path> files = Files.list(directory.resolve("a cache/tproc"))) {
      return files.toList();
    }
  }

  private Path make() throws Exception {
    Outcome first = tproc(cache(), "", "--version");
    assertThat(first.exitValue).as(first.toString()).isZero();
    assertThat(first.error()).isEmpty();
    assertThat(archives()).hasSize(1);
    assertThat(archives().get(0).getFileName().toString()).matches("classes-[0-9]+\\.jsa");
    return archives().get(0);
  }

  /** Which classes a command got from where. */
  private String loaded(String... words) throws Exception {
    Path log = directory.resolve("log");
    Outcome outcome = tproc(cache(), "-Xlog:class+load:file=" + log, words);
    assertThat(outcome.exitValue).as(outcome.toString()).isZero();
    assertThat(outcome.error()).isEmpty();
    return Files.readString(log);
  }

  @Test
  void theFirstCommandMakesItForAllOthers() throws Exception {
    make();
    assertThat(loaded("--version")).contains(SHARED);
    // Not JniHost: from Java 22 on it has an interface below META-INF/versions, where no JVM
    // archives classes, nor what is made of them.
    assertThat(loaded("run", Programs.sample("crash"), "exit", "0"))
        .contains(SHARED)
        .contains("io.tproc.jni.HostState source: shared objects file (top)");
    assertThat(archives()).hasSize(1);
  }

  @Test
  void whereItCannotBeWrittenNothingIsSaid() throws Exception {
    for (String cache : List.of("/dev/null/cache", "relative", "")) {
      Outcome outcome = tproc(cache, "", "--version");
      assertThat(outcome.exitValue).as(outcome.toString()).isZero();
      assertThat(outcome.output()).startsWith("tproc ");
      assertThat(outcome.error()).isEmpty();
    }
  }

  @Test
  void theStatusIsTheCommands() throws Exception {
    assertThat(tproc(cache(), "", "ps", "/nonexistent").exitValue).isEqualTo(125);
    assertThat(archives()).hasSize(1);
    assertThat(tproc(cache(), "", "ps", "/nonexistent").exitValue).isEqualTo(125);
  }

  @Test
  void aSpoiledOneIsNotTaken() throws Exception {
    Path archive = make();
    Files.delete(archive); // it is read-only
    Files.writeString(archive, "no archive");
    assertThat(loaded("--version"))
        .contains("io.tproc.cli.PsCommand source: ")
        .doesNotContain(SHARED);
  }

  @Test
  void anotherUsersIsNotTaken() throws Exception {
    assumeTrue(Programs.isRoot(), "skipped: only root can give a file away");
    Path archive = make();
    UserPrincipal nobody =
        archive.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName("65534");
    Files.setOwner(archive, nobody);
    assertThat(loaded("--version")).doesNotContain(SHARED);
  }
}
