package io.tproc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.anyInt;
import static org.mockito.ArgumentMatchers.anyLong;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.never;
import static org.mockito.Mockito.verify;
import static org.mockito.Mockito.when;

import io.tproc.spi.HostBinding;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.mockito.Mock;
import org.mockito.junit.jupiter.MockitoExtension;

@ExtendWith(MockitoExtension.class)
class BoundHostTest {
  @Mock HostBinding binding;

  @Test
  void scratchIsAFreshDuplicateInNativeOrder() {
    ByteBuffer page = ByteBuffer.allocateDirect(TprocHost.SCRATCH_SIZE).order(ByteOrder.BIG_ENDIAN);
    when(binding.scratch()).thenReturn(page);
    TprocHost host = new BoundHost(binding);

    ByteBuffer first = host.scratch();
    first.putLong(0x1122334455667788L);
    ByteBuffer second = host.scratch();

    assertThat(first.order()).isEqualTo(ByteOrder.nativeOrder());
    assertThat(second.position()).isZero();
    assertThat(second.getLong(0)).as("the same memory").isEqualTo(0x1122334455667788L);
    assertThat(page.position()).as("the provider's own buffer").isZero();
  }

  @Test
  void viewIsInNativeOrder() {
    ByteBuffer memory = ByteBuffer.allocateDirect(16).order(ByteOrder.BIG_ENDIAN);
    when(binding.view(0x7000_0000_0000L, 16)).thenReturn(memory);

    ByteBuffer view = new BoundHost(binding).view(0x7000_0000_0000L, 16);

    assertThat(view.order()).isEqualTo(ByteOrder.nativeOrder());
    assertThat(view.capacity()).isEqualTo(16);
  }

  @ParameterizedTest
  @CsvSource({
    "0, 8, null pointer",
    "-1, 8, 0xffffffffffffffff",
    "4096, -1, negative: -1",
    "9223372036854775807, 1, wraps around",
    "4096, 2147483648, at most 2147483647"
  })
  void viewRefusesWhatCannotBeARange(long address, long size, String why) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new BoundHost(binding).view(address, size))
        .withMessageContaining(why);
    verify(binding, never()).view(anyLong(), anyInt());
  }

  @Test
  void listIsASnapshot() {
    ThreadProcStatus status =
        new ThreadProcStatus(
            7,
            true,
            OptionalLong.of(6),
            1000,
            ThreadProcStatus.State.RUNNING,
            Instant.EPOCH,
            Duration.ofSeconds(1),
            8192,
            4096,
            List.of("sleep", "60"),
            false);
    List<ThreadProcStatus> all = new ArrayList<>(List.of(status));
    when(binding.list()).thenReturn(all);

    List<ThreadProcStatus> listed = new BoundHost(binding).list();
    all.clear();

    assertThat(listed).containsExactly(status);
  }

  @Test
  void addressOfAsksTheProviderForDirectBuffers() {
    ByteBuffer direct = ByteBuffer.allocateDirect(8);
    when(binding.addressOf(direct)).thenReturn(4096L);

    assertThat(new BoundHost(binding).addressOf(direct)).isEqualTo(4096L);
  }

  @Test
  void addressOfRefusesHeapBuffers() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new BoundHost(binding).addressOf(ByteBuffer.allocate(8)))
        .withMessageContaining("allocateDirect");
    verify(binding, never()).addressOf(any());
  }

  @Test
  void threadProcsIsASnapshot() {
    List<ThreadProc> running = new ArrayList<>(List.of(mock(ThreadProc.class)));
    when(binding.threadProcs()).thenReturn(running);

    List<ThreadProc> snapshot = new BoundHost(binding).threadProcs();
    running.clear();

    assertThat(snapshot).hasSize(1).isUnmodifiable();
  }

  @Test
  void listensAtAnAbsolutePath() throws Exception {
    TprocListener listener = mock(TprocListener.class);
    when(binding.listen(Path.of("s.sock").toAbsolutePath())).thenReturn(listener);

    assertThat(new BoundHost(binding).listen(Path.of("s.sock"))).isSameAs(listener);
  }

  @Test
  void aSocketIsAFileOfTheDefaultFileSystem() throws Exception {
    FileSystem runtime = FileSystems.getFileSystem(URI.create("jrt:/"));

    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(() -> new BoundHost(binding).listen(runtime.getPath("/modules/s.sock")))
        .withMessageContaining("jrt:/");
    verify(binding, never()).listen(any());
  }

  @Test
  void closeClosesTheBinding() {
    new BoundHost(binding).close();

    verify(binding).close();
  }
}
