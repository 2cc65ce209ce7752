package io.tproc.jni;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import com.google.common.testing.NullPointerTester;
import io.tproc.LentBuffer;
import io.tproc.RetainedMemory;
import io.tproc.ThreadProc;
import io.tproc.ThreadProcStatus;
import io.tproc.TprocHost;
import io.tproc.TprocListener;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a host gives and refuses, while it is open. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class JniHostTest {
  private TprocHost host;

  @BeforeEach
  void open() {
    host = new JniProvider().open();
  }

  @AfterEach
  void close() {
    host.close();
  }

  @Test
  void scratchIsAFreshDuplicateInNativeOrder() {
    ByteBuffer first = host.scratch().order(ByteOrder.BIG_ENDIAN);
    first.putLong(0x1122334455667788L);
    ByteBuffer second = host.scratch();

    assertThat(second.order()).isEqualTo(ByteOrder.nativeOrder());
    assertThat(second.position()).isZero();
    assertThat(second.capacity()).isEqualTo(TprocHost.SCRATCH_SIZE);
    assertThat(second.order(ByteOrder.BIG_ENDIAN).getLong(0))
        .as("the same memory")
        .isEqualTo(0x1122334455667788L);
  }

  @Test
  void aViewIsInNativeOrder() {
    ByteBuffer view = host.view(host.addressOf(host.scratch()), 16);

    assertThat(view.order()).isEqualTo(ByteOrder.nativeOrder());
    assertThat(view.capacity()).isEqualTo(16);
    assertThat(view.isDirect()).isTrue();
  }

  @Test
  void refusesWhatIsNoMemoryForABuffer() {
    assertThatIllegalArgumentException().isThrownBy(() -> host.view(0, 8));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> host.view(4096, 1L << 31))
        .withMessageContaining("at most 2147483647");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> host.addressOf(ByteBuffer.allocate(8)))
        .withMessageContaining("allocateDirect");
  }

  @Test
  void aLentBufferHasItsAddressAndItsBytes() {
    ByteBuffer buffer = ByteBuffer.allocateDirect(64);
    LentBuffer lent = host.lend(buffer.position(8).slice().asLongBuffer());
    assertThat(lent.address()).isEqualTo(host.addressOf(buffer) + 8);
    assertThat(lent.size()).isEqualTo(56);
    assertThat(host.lend(buffer.asShortBuffer()).size()).isEqualTo(56);
    assertThat(host.lend(buffer.asFloatBuffer()).size()).isEqualTo(56);

    lent.close();
    lent.close();
    assertThatIllegalStateException().isThrownBy(lent::address);
    assertThatIllegalArgumentException().isThrownBy(() -> host.lend(ByteBuffer.allocate(8)));
  }

  @Test
  void closingTheHostEndsWhatIsLent() {
    TprocHost other = TprocHost.open();
    LentBuffer lent = other.lend(ByteBuffer.allocateDirect(8));
    other.close();
    assertThatIllegalStateException().isThrownBy(lent::address);
    assertThatIllegalStateException().isThrownBy(() -> other.lend(ByteBuffer.allocateDirect(8)));
  }

  @Test
  void retainedMemoryGoesWithItsLastUser() throws Exception {
    ThreadProc program = host.command("sleep", "1000").start();
    long address =
        program.memory().stream()
            .filter(mapping -> mapping.name().equals("[stack]"))
            .findFirst()
            .orElseThrow()
            .address();
    RetainedMemory retained = program.retainMemory();
    program.close();
    assertThat(host.ownerOf(address)).containsSame(program);

    retained.close();
    retained.close();

    assertThat(host.ownerOf(address)).isEmpty();
    assertThat(retained.program()).isSameAs(program);
    assertThatIllegalStateException().isThrownBy(program::retainMemory);
    program.close();
  }

  @Test
  void listsAreSnapshots() throws Exception {
    try (ThreadProc program = host.command("sleep", "1000").start()) {
      List<ThreadProc> running = host.running();
      List<ThreadProcStatus> statuses = host.statuses();
      program.close();

      assertThat(running).containsExactly(program).isUnmodifiable();
      assertThat(statuses).isUnmodifiable();
      assertThat(statuses).extracting(ThreadProcStatus::pid).containsExactly(program.pid());
      assertThat(host.running()).isEmpty();
      assertThat(host.statuses()).isEmpty();
    }
  }

  @Test
  void theCommandListIsLive() throws Exception {
    List<String> command = new ArrayList<>(List.of("sh", "-c"));
    var builder = host.command(command);
    command.add("exit 7");

    assertThat(builder.start().waitFor()).isEqualTo(7);
  }

  @Test
  void aCommandOfSeparateWordsIsCopied() throws Exception {
    String[] command = {"sh", "-c", "exit 7"};
    var builder = host.command(command);
    command[2] = "exit 8";

    assertThat(builder.start().waitFor()).isEqualTo(7);
  }

  @Test
  void listensAtAnAbsolutePath(@TempDir Path directory) throws Exception {
    Path socket = directory.resolve("s");
    Path relative = Path.of("").toAbsolutePath().relativize(socket);

    try (TprocListener listener = host.listen(relative)) {
      assertThat(listener.socket()).isAbsolute();
      assertThat(socket).exists();
    }
  }

  @Test
  void aSocketIsAFileOfTheDefaultFileSystem() {
    Path modules = FileSystems.getFileSystem(URI.create("jrt:/")).getPath("/modules/s.sock");

    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(() -> host.listen(modules));
  }

  @Test
  void refusesNull() {
    new NullPointerTester().testAllPublicInstanceMethods(host);
    assertThatNullPointerException().isThrownBy(() -> host.command("x", null).start());
  }

  @Test
  void saysWhatItIs() {
    assertThat(host).hasToString("TprocHost[open, 0 running]");
    host.close();
    assertThat(host).hasToString("TprocHost[closed, 0 running]");
  }
}
