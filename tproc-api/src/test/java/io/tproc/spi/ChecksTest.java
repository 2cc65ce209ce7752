package io.tproc.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ChecksTest {
  @ParameterizedTest
  @CsvSource({
    "0, 8, null pointer",
    "-1, 8, 0xffffffffffffffff",
    "4096, -1, negative: -1",
    "9223372036854775807, 1, wraps around",
    "4096, 2147483648, at most 2147483647"
  })
  void refusesWhatCannotBeABuffersRange(long address, long size, String why) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Checks.bufferRange(address, size))
        .withMessageContaining(why);
  }

  @Test
  void aBuffersRangeHasTheSizeOfAnInt() {
    assertThat(Checks.bufferRange(0x7000_0000_0000L, 16)).isEqualTo(16);
    assertThat(Checks.bufferRange(1, Integer.MAX_VALUE)).isEqualTo(Integer.MAX_VALUE);
  }

  @Test
  void aRangeMayBeLargerThanABuffer() {
    assertThatCode(() -> Checks.range(4096, 1L << 40)).doesNotThrowAnyException();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Checks.range(4096, Long.MAX_VALUE))
        .withMessage("range wraps around: 0x1000 + 9223372036854775807");
  }

  @Test
  void refusesHeapBuffers() {
    assertThatCode(() -> Checks.direct(ByteBuffer.allocateDirect(8))).doesNotThrowAnyException();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Checks.direct(ByteBuffer.allocate(8)))
        .withMessageContaining("allocateDirect");
  }

  @Test
  void aSocketsPathBecomesAbsolute() {
    assertThat(Checks.socket(Path.of("s.sock"))).isEqualTo(Path.of("s.sock").toAbsolutePath());
  }

  @Test
  void aSocketIsAFileOfTheDefaultFileSystem() {
    FileSystem runtime = FileSystems.getFileSystem(URI.create("jrt:/"));

    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(() -> Checks.socket(runtime.getPath("/modules/s.sock")))
        .withMessageContaining("jrt:/");
  }
}
