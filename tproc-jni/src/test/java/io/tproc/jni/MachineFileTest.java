package io.tproc.jni;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tproc.spi.UnpackedProgram;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MachineFileTest {
  private static final List<String> PROPERTIES =
      List.of(
          MachineFile.CALLEE.property(), MachineFile.LIBTPROC.property(), NativeLibrary.PROPERTY);

  private final Map<String, String> named = new HashMap<>();

  @TempDir Path directory;

  /** A jar with a program for x86_64. */
  private static final class Jar extends ClassLoader {
    private final String contents;

    Jar(String contents) {
      super(null);
      this.contents = contents;
    }

    @Override
    public @Nullable InputStream getResourceAsStream(String name) {
      return name.equals("natives/linux_64/tproc-callee")
          ? new ByteArrayInputStream(contents.getBytes(StandardCharsets.UTF_8))
          : null;
    }
  }

  @BeforeEach
  void forgetTheBuildsOwn() {
    for (String property : PROPERTIES) {
      @Nullable String file = System.clearProperty(property);
      if (file != null) {
        named.put(property, file);
      }
    }
  }

  @AfterEach
  void rememberTheBuildsOwn() {
    PROPERTIES.forEach(System::clearProperty);
    named.forEach(System::setProperty);
  }

  private Path unpack(String contents, Path... caches) throws IOException {
    return new MachineFile(MachineFile.CALLEE, Machine.X86_64, new Jar(contents), List.of(caches))
        .path();
  }

  @Test
  void isUnpackedOncePerVersion() throws Exception {
    Path file = unpack("one", directory);
    assertThat(file).hasFileName("tproc-callee").hasContent("one").isExecutable();
    assertThat(unpack("one", directory)).isEqualTo(file);
    assertThat(unpack("two", directory)).isNotEqualTo(file).hasContent("two");
    assertThat(file).hasContent("one");
    try (Stream<Path> all = Files.walk(directory)) {
      assertThat(all.filter(Files::isRegularFile)).hasSize(2);
    }
  }

  @Test
  void isRepaired() throws Exception {
    Path file = unpack("one", directory);
    Files.writeString(file, "something else");
    assertThat(unpack("one", directory)).isEqualTo(file).hasContent("one");
  }

  @Test
  void goesToTheNextPlaceWhenOneCannotBeWritten() throws Exception {
    Path occupied = Files.writeString(directory.resolve("occupied"), "a file");
    Path other = directory.resolve("other");
    assertThat(unpack("one", occupied, other)).startsWith(other).hasContent("one");
    assertThatThrownBy(() -> unpack("one", occupied))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("cannot unpack tproc-callee below " + occupied);
  }

  @Test
  void isNotUnpackedWhereOthersMayWrite() throws Exception {
    Path file = unpack("one", directory);
    Files.setPosixFilePermissions(file.getParent(), PosixFilePermissions.fromString("rwxrwxrwx"));
    assertThatThrownBy(() -> unpack("one", directory)).hasMessageContaining("others may write");
  }

  @Test
  void withoutAJarForThisMachineTheErrorSaysWhatToAdd() {
    assertThatThrownBy(
            () ->
                new MachineFile(
                        MachineFile.CALLEE, Machine.AARCH64, new Jar(""), List.of(directory))
                    .path())
        .isInstanceOf(IOException.class)
        .hasMessageContaining("classifier linux-aarch64")
        .hasMessageContaining("-Dtproc.callee=FILE");
  }

  @Test
  void theErrorSaysWhatTheFileIsFor() {
    assertThatThrownBy(
            () ->
                new MachineFile(
                        MachineFile.LIBTPROC, Machine.X86_64, new Jar(""), List.of(directory))
                    .path())
        .hasMessageStartingWith("no libtproc.so.0.1 for this machine, which interpreters of Python")
        .hasMessageContaining("-Dtproc.libtproc=FILE");
  }

  @Test
  void theOneBesideANamedLibraryIsTaken() throws Exception {
    Path beside = new UnpackedProgram("tproc-callee", new byte[] {1}).into(directory);
    System.setProperty(NativeLibrary.PROPERTY, directory.resolve("libtproc-jni.so").toString());
    assertThat(unpack("one", directory.resolve("cache"))).isEqualTo(beside);

    Files.delete(beside);
    assertThat(unpack("one", directory.resolve("cache"))).hasContent("one");
  }

  @Test
  void aNamedOneIsTaken() throws Exception {
    System.setProperty(MachineFile.CALLEE.property(), "somewhere/callee");
    assertThat(unpack("one", directory)).isEqualTo(Path.of("somewhere/callee").toAbsolutePath());
  }
}
