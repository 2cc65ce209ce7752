package io.tproc.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LauncherFileTest {
  @TempDir Path directory;

  private LauncherFile launcher() {
    return new LauncherFile("/io/tproc/cli/a-launcher.txt", directory.resolve("cache/tproc"));
  }

  private static byte[] expected() {
    return "stands for a program\n".getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void isUnpackedReadyToRun() throws Exception {
    Path file = launcher().unpack();

    assertThat(file).isAbsolute().hasFileName("tproc-run").hasBinaryContent(expected());
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rwxr-xr-x");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file.getParent())))
        .isEqualTo("rwx------");
    assertThat(filesIn(file.getParent())).containsExactly("tproc-run");
  }

  @Test
  void isLeftAloneWhenItIsThere() throws Exception {
    Path file = launcher().unpack();
    FileTime before = Files.getLastModifiedTime(file);
    Object inode = Files.getAttribute(file, "unix:ino");

    assertThat(launcher().unpack()).isEqualTo(file);
    assertThat(Files.getLastModifiedTime(file)).isEqualTo(before);
    assertThat(Files.getAttribute(file, "unix:ino")).isEqualTo(inode);
  }

  @Test
  void isReplacedWhenItIsNotWhatItShouldBe() throws Exception {
    Path file = launcher().unpack();
    Files.writeString(file, "something else");

    assertThat(launcher().unpack()).hasBinaryContent(expected());

    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    launcher().unpack();
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rwxr-xr-x");
  }

  @Test
  void manyMayUnpackItAtOnce() throws Exception {
    ExecutorService users = Executors.newFixedThreadPool(8);
    try {
      Callable<Path> user = () -> launcher().unpack();
      for (Future<Path> each : users.invokeAll(Stream.generate(() -> user).limit(32).toList())) {
        assertThat(each.get()).hasBinaryContent(expected());
      }
    } finally {
      users.shutdownNow();
    }
    assertThat(filesIn(launcher().unpack().getParent())).containsExactly("tproc-run");
  }

  private static Stream<String> filesIn(Path directory) throws Exception {
    try (Stream<Path> files = Files.list(directory)) {
      return files.map(file -> file.getFileName().toString()).toList().stream();
    }
  }

  @Test
  void aJarForOtherMachinesOnly() {
    assertThatIOException()
        .isThrownBy(() -> new LauncherFile("/launcher/linux-vax/tproc-run", directory).unpack())
        .withMessageContaining("no launcher for this machine")
        .withMessageContaining("launcher/linux-vax/tproc-run");
  }

  @Test
  void aPlaceThatCannotBeWritten() throws Exception {
    Path file = Files.createFile(directory.resolve("file"));

    assertThatIOException()
        .isThrownBy(
            () -> new LauncherFile("/io/tproc/cli/a-launcher.txt", file.resolve("x")).unpack())
        .withMessageContaining("cannot unpack tproc-run below " + file);
  }
}
