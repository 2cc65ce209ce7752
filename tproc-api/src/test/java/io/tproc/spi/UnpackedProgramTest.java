package io.tproc.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The rest is tested by those who unpack something: LauncherFileTest and MachineFileTest. */
class UnpackedProgramTest {
  @TempDir Path directory;

  private static UnpackedProgram program(String contents) {
    return new UnpackedProgram("a-program", contents.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void eachContentsHasADirectory() throws Exception {
    Path one = program("one").below(directory);
    assertThat(one).hasFileName("a-program").hasContent("one").isExecutable();
    assertThat(program("two").below(directory)).isNotEqualTo(one).hasContent("two");
    assertThat(one).hasContent("one");
  }

  @Test
  void aDirectoryThatOthersMayWriteToIsRefusedAndLeftAsItIs() throws Exception {
    Path file = program("one").below(directory);
    Files.setPosixFilePermissions(file.getParent(), PosixFilePermissions.fromString("rwxrwxrwx"));
    assertThatIOException()
        .isThrownBy(() -> program("one").below(directory))
        .withMessageContaining("cannot unpack a-program below " + directory)
        .withMessageContaining("others may write to it");
    assertThat(file.getParent()).isDirectoryNotContaining(each -> !each.equals(file));
  }

  @Test
  void theUsersCache() {
    assertThat(UnpackedProgram.userCache("/x", "/home/u")).isEqualTo(Path.of("/x/tproc"));
    assertThat(UnpackedProgram.userCache("x", "/home/u"))
        .isEqualTo(Path.of("/home/u/.cache/tproc"));
    assertThat(UnpackedProgram.userCache(null, "/home/u"))
        .isEqualTo(Path.of("/home/u/.cache/tproc"));
  }
}
