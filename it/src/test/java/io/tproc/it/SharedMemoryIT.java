package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tproc.ExitStatus.Exited;
import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import java.io.BufferedReader;
import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A pointer means the same everywhere: in Java, in C++ that knows nothing of tproc, and in C with
 * libtproc.
 */
@ExtendWith(HostExtension.class)
class SharedMemoryIT {
  /** libstdc++'s std::string: address of the characters, their number, room for a short one. */
  private static String stdString(TprocHost host, long address) {
    ByteBuffer string = host.view(address, 32);
    return StandardCharsets.UTF_8
        .decode(host.view(string.getLong(0), string.getLong(8)))
        .toString();
  }

  private static String keep(ThreadProc allocator, BufferedReader addresses, String text)
      throws IOException {
    allocator.outputWriter().append(text).append('\n').flush();
    return addresses.readLine();
  }

  @ParameterizedTest
  @CsvSource({"allocstr,printstr", "allocstr-static,printstr", "allocstr,printstr-static"})
  void javaAndAnotherProgramReadAString(String allocstr, String printstr, TprocHost host)
      throws Exception {
    try (ThreadProc allocator = host.command(Programs.sample(allocstr)).start();
        BufferedReader addresses = allocator.inputReader()) {
      for (String text :
          new String[] {"short", "", "exactly fifteen", "x".repeat(16), "long ".repeat(2000)}) {
        String address = keep(allocator, addresses, text);

        assertThat(address).startsWith("0x");
        assertThat(stdString(host, Long.decode(address))).isEqualTo(text);
        assertThat(Outcome.hosted(host, Programs.sample(printstr), address))
            .returns(text + "\n", Outcome::output);
      }
      allocator.outputWriter().close();
      assertThat(allocator.waitForExit()).isEqualTo(new Exited(0));
    }
  }

  @Test
  void memoryStaysReadableUntilTheHandleIsClosed(TprocHost host) throws Exception {
    try (ThreadProc allocator = host.command(Programs.sample("allocstr")).start();
        BufferedReader addresses = allocator.inputReader()) {
      String text = "kept ".repeat(100);
      long address = Long.decode(keep(allocator, addresses, text));

      allocator.destroyForcibly();
      allocator.waitForExit();

      assertThat(stdString(host, address)).isEqualTo(text);
      assertThat(Outcome.hosted(host, Programs.sample("printstr"), Long.toString(address)))
          .returns(text + "\n", Outcome::output);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"uppercase", "uppercase-static"})
  void aProgramRewritesADirectBuffer(String uppercase, TprocHost host) throws Exception {
    ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 20);
    for (int i = 0; i < buffer.capacity(); i++) {
      buffer.put(i, (byte) ('a' + i % 26));
    }

    Outcome outcome =
        Outcome.hosted(
            host,
            Programs.sample(uppercase),
            Long.toUnsignedString(host.addressOf(buffer)),
            Integer.toString(buffer.capacity()));

    assertThat(outcome).returns("1048576\n", Outcome::output);
    for (int i = 0; i < buffer.capacity(); i++) {
      assertThat((char) buffer.get(i)).isEqualTo((char) ('A' + i % 26));
    }
  }

  @Test
  void theScratchPageTellsWhere(TprocHost host) throws Exception {
    ByteBuffer buffer = ByteBuffer.allocateDirect(4 * 1000).order(ByteOrder.nativeOrder());
    for (int i = 0; i < 1000; i++) {
      buffer.putFloat(i * 4, i);
    }
    host.scratch().putLong(0, host.addressOf(buffer)).putLong(8, 1000);

    assertThat(Outcome.hosted(host, Programs.sample("gain"), "0.5").exitValue).isZero();

    for (int i = 0; i < 1000; i++) {
      assertThat(buffer.getFloat(i * 4)).isEqualTo(i * 0.5f);
    }
  }

  @Test
  void theScratchPageIsOnePerHost(TprocHost host) {
    assertThat(host.scratch().capacity()).isEqualTo(TprocHost.SCRATCH_SIZE).isEqualTo(4096);
    assertThat(host.scratch().order()).isEqualTo(ByteOrder.nativeOrder());
    assertThat(host.scratch()).isNotSameAs(host.scratch());
    host.scratch().putLong(4088, 42);
    assertThat(host.scratch().getLong(4088)).isEqualTo(42);
    try (TprocHost other = TprocHost.open()) {
      assertThat(other.addressOf(other.scratch())).isNotEqualTo(host.addressOf(host.scratch()));
      for (int i = 0; i < 4096; i++) {
        assertThat(other.scratch().get(i)).as("zeroed at open").isZero();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"detect", "detect-static"})
  void aProgramKnowsThatItIsHosted(String detect, TprocHost host) throws Exception {
    Outcome hosted = Outcome.hosted(host, Programs.sample(detect));
    String scratch = "0x" + Long.toHexString(host.addressOf(host.scratch()));

    assertThat(hosted.output())
        .isEqualTo("threadproc: yes\nscratch: " + scratch + "\nscratch size: 4096\n");
    assertThat(hosted.exitValue).isZero();
    assertThat(Outcome.natively(Programs.sample(detect)))
        .returns("threadproc: no\n", Outcome::output);
  }

  @Test
  void twoProgramsPassAPointerOverASocket(TprocHost host, @TempDir Path directory)
      throws Exception {
    for (String kind : new String[] {"", "-static"}) {
      String socket = directory.resolve("socket" + kind).toString();
      try (ThreadProc receiver = host.command(Programs.sample("receiver" + kind), socket).start();
          BufferedReader received = receiver.inputReader()) {
        assertThat(received.readLine()).isEqualTo("receiver: listening");
        Outcome sent = Outcome.hosted(host, Programs.sample("sender" + kind), socket);

        assertThat(sent.exitValue).as(sent.toString()).isZero();
        assertThat(sent.output()).matches("sender: expected ([0-9a-f]{16}), answered \\1\n");
        assertThat(received.readLine())
            .startsWith("receiver: 4096 bytes at 0x")
            .contains("greetings from pid");
        assertThat(receiver.waitForExit()).isEqualTo(new Exited(0));
      }
    }
  }

  @Test
  void aViewShowsAndChangesMemory(TprocHost host) {
    ByteBuffer buffer = ByteBuffer.allocateDirect(16).order(ByteOrder.nativeOrder());
    long address = host.addressOf(buffer);
    buffer.putLong(0, 0x0123456789abcdefL);

    ByteBuffer view = host.view(address, 16);

    assertThat(view.isDirect()).isTrue();
    assertThat(view.capacity()).isEqualTo(16);
    assertThat(view.order()).isEqualTo(ByteOrder.nativeOrder());
    assertThat(view.getLong(0)).isEqualTo(0x0123456789abcdefL);
    view.putLong(8, 7);
    assertThat(buffer.getLong(8)).isEqualTo(7);
    assertThat(host.addressOf(view)).isEqualTo(address);
    assertThat(host.addressOf(view.asLongBuffer())).isEqualTo(address);
    assertThat(host.view(address, 0).capacity()).isZero();
  }

  @Test
  void anAddressIsThatOfIndexZero(TprocHost host) {
    ByteBuffer buffer = ByteBuffer.allocateDirect(64);
    long address = host.addressOf(buffer);

    assertThat(host.addressOf(buffer.position(10))).isEqualTo(address);
    assertThat(host.addressOf(buffer.slice())).isEqualTo(address + 10);
    assertThat(host.addressOf(buffer.asReadOnlyBuffer())).isEqualTo(address);
  }

  @Test
  void argumentsAreChecked(TprocHost host) {
    assertThatThrownBy(() -> host.addressOf(ByteBuffer.allocate(8)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> host.addressOf(null)).isInstanceOf(NullPointerException.class);
    assertThatThrownBy(() -> host.view(0, 8)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> host.view(4096, -1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> host.view(4096, 1L << 31))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> host.view(Long.MAX_VALUE, 8))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aSegmentOnNewerJava(TprocHost host) throws Exception {
    assumeTrue(Runtime.version().feature() >= 22, "skipped: this is not Java 22 or later");
    ByteBuffer buffer = ByteBuffer.allocateDirect(16);
    assumeTrue(
        Arrays.stream(TprocHost.class.getMethods()).anyMatch(m -> m.getName().equals("segment")),
        "skipped: this tproc-api.jar was built without a JDK 22 or later");
    Method segment = TprocHost.class.getMethod("segment", long.class, long.class);
    segment.setAccessible(true); // declared in an interface that only TprocHost's callers see
    Object view = segment.invoke(host, host.addressOf(buffer), 16L);

    Class<?> type = Class.forName("java.lang.foreign.MemorySegment");
    assertThat(type.getMethod("byteSize").invoke(view)).isEqualTo(16L);
    assertThat(type.getMethod("address").invoke(view)).isEqualTo(host.addressOf(buffer));

    Method addressOf = TprocHost.class.getMethod("addressOf", type);
    addressOf.setAccessible(true);
    assertThat(addressOf.invoke(host, view)).isEqualTo(host.addressOf(buffer));
    Object onTheHeap = type.getMethod("ofArray", byte[].class).invoke(null, (Object) new byte[8]);
    assertThatThrownBy(() -> addressOf.invoke(host, onTheHeap))
        .hasCauseInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void segmentsAreLentThatNoBufferCanHold(@TempDir Path directory) throws Exception {
    ForeignSource.run(directory, "LentSegments", Programs.sample("uppercase"));
  }

  private static int mappings() throws IOException {
    return Files.readAllLines(Path.of("/proc/self/maps")).size();
  }

  @Test
  void anyNumberOfBuffersCostsNoMappings(TprocHost host) throws Exception {
    int part = 32 << 10;
    ByteBuffer whole = ByteBuffer.allocateDirect(64 << 20);
    long first = host.addressOf(whole);
    int before = mappings();
    for (int at = 0; at < whole.capacity(); at += part) {
      assertThat(host.addressOf(whole.slice(at, 8))).isEqualTo(first + at);
    }

    assertThat(mappings() - before).as("of 2048 buffers").isLessThan(200);
  }
}
