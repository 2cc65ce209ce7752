package io.tproc.it;

import static io.tproc.Errno.EPROTO;
import static io.tproc.Errno.ETIMEDOUT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tproc.cli.client.HostClient;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The failure of one client never touches another, nor the host. */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RobustnessIT {
  /** How long random bytes are sent; 60 for the long run: -Dtproc.it.random.seconds=60. */
  private static final int RANDOM_SECONDS = Integer.getInteger("tproc.it.random.seconds", 5);

  private static final int MAGIC = 0x434f5254;
  private static final int HEADER_SIZE = 16;
  private static final int LAUNCH = 1;
  private static final int LIST = 3;
  private static final int FAILED = 101;

  @RegisterExtension static final ListeningHost host = ListeningHost.forAllTests();

  @TempDir Path directory;

  @AfterEach
  void theHostWorks() throws Exception {
    assertWorks();
  }

  private static void assertWorks() throws Exception {
    Outcome outcome = host.run(Programs.sample("crash"), "exit", "7");
    assertThat(outcome.exitValue).as(outcome.toString()).isEqualTo(7);
  }

  private static SocketChannel connect() throws IOException {
    return SocketChannel.open(UnixDomainSocketAddress.of(host.socket()));
  }

  private static ByteBuffer header(int magic, int version, int type, int size, int descriptors) {
    return ByteBuffer.allocate(HEADER_SIZE)
        .order(ByteOrder.nativeOrder())
        .putInt(magic)
        .putShort((short) version)
        .putShort((short) type)
        .putInt(size)
        .putInt(descriptors)
        .flip();
  }

  /** All that comes until the host closes the connection. */
  private static ByteBuffer rest(SocketChannel channel) throws IOException {
    ByteBuffer all = ByteBuffer.allocate(1 << 16).order(ByteOrder.nativeOrder());
    try {
      while (channel.read(all) >= 0) {
        assertThat(all.hasRemaining()).isTrue();
      }
    } catch (IOException reset) {
      // As the end of a connection, when not all that was sent has been read.
    }
    return all.flip();
  }

  private static void assertFailed(ByteBuffer answer, int errno, String message) {
    assertThat(answer.remaining()).isGreaterThan(HEADER_SIZE + 8);
    assertThat(answer.getInt(0)).isEqualTo(MAGIC);
    assertThat(answer.getShort(6)).isEqualTo((short) FAILED);
    assertThat(answer.getInt(HEADER_SIZE)).isEqualTo(errno);
    answer.position(HEADER_SIZE + 8);
    assertThat(StandardCharsets.UTF_8.decode(answer).toString()).contains(message);
  }

  @ParameterizedTest
  @CsvSource({
    "0x11111111, 1, 3, 0, 0, not a frame",
    "0x434f5254, 2, 3, 0, 0, version 2",
    "0x434f5254, 1, 99, 0, 0, type 99",
    "0x434f5254, 1, 105, 8, 0, type 105",
    "0x434f5254, 1, 3, 1, 0, type 3",
    "0x434f5254, 1, 1, -1, 1, type 1",
    "0x434f5254, 1, 1, 8388609, 1, type 1",
    "0x434f5254, 1, 1, 1000, 0, descriptors",
    "0x434f5254, 1, 1, 1000, 1025, descriptors",
    "0x434f5254, 1, 4, 3, 0, type 4"
  })
  void aBadFrameIsSaidAndEndsTheConnection(
      String magic, int version, int type, int size, int descriptors, String message)
      throws Exception {
    try (SocketChannel channel = connect()) {
      channel.write(header(Integer.decode(magic), version, type, size, descriptors));
      assertFailed(rest(channel), EPROTO, message);
    }
  }

  @Test
  void aLaunchWithoutItsDescriptorsIsRefused() throws Exception {
    try (SocketChannel channel = connect()) {
      channel.write(header(MAGIC, 1, LAUNCH, 400, 1));
      channel.write(ByteBuffer.allocate(400));
      ByteBuffer answer = rest(channel);
      assertThat(answer.getShort(6)).isEqualTo((short) FAILED);
    }
  }

  @Test
  void halfARequestIsNotWaitedForForEver() throws Exception {
    long start = System.nanoTime();
    try (SocketChannel silent = connect();
        SocketChannel half = connect()) {
      half.write(header(MAGIC, 1, LAUNCH, 100_000, 1));
      half.write(ByteBuffer.allocate(5_000));
      assertWorks();
      assertFailed(rest(half), ETIMEDOUT, "request");
      assertFailed(rest(silent), ETIMEDOUT, "request");
    }
    assertThat(Duration.ofNanos(System.nanoTime() - start))
        .isBetween(Duration.ofSeconds(9), Patience.seconds(20));
  }

  @Test
  void aSlowClientGetsItsAnswerAndKeepsNobodyWaiting() throws Exception {
    try (SocketChannel slow = connect()) {
      ByteBuffer question = header(MAGIC, 1, LIST, 0, 0);
      for (int i = 0; i < HEADER_SIZE; i++) {
        slow.write(question.slice(i, 1));
        assertWorks();
      }
      ByteBuffer answer = ByteBuffer.allocate(1 << 16).order(ByteOrder.nativeOrder());
      while (answer.position() < HEADER_SIZE + 8) {
        assertThat(slow.read(answer)).isPositive();
      }
      assertThat(answer.getShort(6)).isEqualTo((short) 105);
    }
  }

  @Test
  void aClientThatStopsReadingIsDropped() throws Exception {
    try (SocketChannel deaf = connect()) {
      deaf.configureBlocking(false);
      ByteBuffer questions = ByteBuffer.allocate(1000 * HEADER_SIZE);
      for (int i = 0; i < 1000; i++) {
        questions.put(header(MAGIC, 1, LIST, 0, 0));
      }
      boolean dropped =
          Patience.until(
              Patience.seconds(20),
              () -> {
                try {
                  deaf.write(questions.flip().limit(questions.capacity()));
                  return false;
                } catch (IOException closed) {
                  return true;
                }
              });
      assertThat(dropped).isTrue();
    }
  }

  @Test
  void aThousandIdleConnections() throws Exception {
    Resources before = Resources.besideWorkers();
    List<SocketChannel> idle = new ArrayList<>();
    try {
      for (int i = 0; i < 1000; i++) {
        try {
          idle.add(connect());
        } catch (IOException e) {
          assumeTrue(
              !String.valueOf(e.getMessage()).contains("Too many open files"),
              "skipped: this process may not have 2,000 descriptors");
          throw e;
        }
      }
      for (int i = 0; i < 20; i++) {
        assertWorks();
      }
    } finally {
      for (SocketChannel each : idle) {
        each.close();
      }
    }
    host.untilEmpty();
    before.assertAsBefore();
  }

  @Test
  void aHostWithoutFreeDescriptorsGoesOn() throws Exception {
    Path socket = directory.resolve("s");
    Process jvm =
        new ChildJvm()
            .through(Programs.installed("sh"), "-c", "ulimit -n 100; exec \"$@\"", "sh")
            .main(ListenIT.Listening.class, socket.toString())
            .start();
    try {
      assertThat(jvm.inputReader().readLine()).isEqualTo("listening");
      List<SocketChannel> idle = new ArrayList<>();
      for (int i = 0; i < 150; i++) {
        idle.add(SocketChannel.open(UnixDomainSocketAddress.of(socket)));
      }
      Outcome refused = Outcome.natively(ListeningHost.command(socket, Programs.nothing()));
      assertThat(refused.exitValue).as(refused.toString()).isEqualTo(125);
      assertThat(refused.error()).startsWith("tproc-run: ");

      for (SocketChannel each : idle) {
        each.close();
      }
      Patience.untilNothingToComplainOf(
          Patience.seconds(5),
          () -> {
            try {
              Outcome outcome = Outcome.natively(ListeningHost.command(socket, Programs.nothing()));
              return outcome.exitValue == 0 ? "" : outcome.toString();
            } catch (IOException | InterruptedException e) {
              return e.toString();
            }
          });
    } finally {
      jvm.destroyForcibly();
    }
  }

  @Test
  void aProgramOnAHungFileSystem() throws Exception {
    assumeTrue(Programs.isRoot(), "skipped: only root can mount a file system that hangs");
    Path mountPoint = Files.createDirectory(directory.resolve("hung"));
    Process fileSystem = new ProcessBuilder(Programs.probe("hang"), mountPoint.toString()).start();
    assumeTrue(
        "hung".equals(fileSystem.inputReader().readLine()),
        "skipped: mounting is not allowed here");
    List<Process> launchers = new ArrayList<>();
    Path socket = directory.resolve("s");
    Process jvm = new ChildJvm().main(ListenIT.Listening.class, socket.toString()).start();
    try {
      assertThat(jvm.inputReader().readLine()).isEqualTo("listening");
      for (int i = 0; i < 5; i++) {
        launchers.add(
            new ProcessBuilder(ListeningHost.command(socket, mountPoint + "/program")).start());
      }
      for (int i = 0; i < 20; i++) {
        Outcome outcome =
            Outcome.natively(ListeningHost.command(socket, Programs.sample("crash"), "exit", "7"));
        assertThat(outcome.exitValue).as(outcome.toString()).isEqualTo(7);
      }
      assertThat(launchers).allMatch(Process::isAlive);
      // And it does not keep the host from ending.
      jvm.destroy();
      assertThat(jvm.waitFor(20, java.util.concurrent.TimeUnit.SECONDS)).isTrue();
      assertThat(socket).doesNotExist();
      for (Process launcher : launchers) {
        assertThat(launcher.waitFor()).isEqualTo(125);
      }
    } finally {
      launchers.forEach(Process::destroyForcibly);
      jvm.destroyForcibly();
      fileSystem.getOutputStream().close();
      fileSystem.waitFor();
    }
  }

  @Test
  void randomBytesBesideAWorkingLaunchLoop() throws Exception {
    AtomicBoolean over = new AtomicBoolean();
    AtomicInteger connections = new AtomicInteger();
    List<CompletableFuture<Void>> attackers = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      long seed = System.nanoTime();
      attackers.add(
          CompletableFuture.runAsync(
              () -> {
                Random random = new Random(seed);
                while (!over.get()) {
                  attack(random);
                  connections.incrementAndGet();
                }
              },
              task -> new Thread(task, "random bytes").start()));
    }
    int launches = 0;
    long end = System.nanoTime() + Duration.ofSeconds(RANDOM_SECONDS).toNanos();
    while (System.nanoTime() < end) {
      assertWorks();
      launches++;
    }
    over.set(true);
    attackers.forEach(CompletableFuture::join);
    assertThat(launches).isGreaterThan(RANDOM_SECONDS);
    assertThat(connections.get()).isGreaterThan(RANDOM_SECONDS);
  }

  /** Bytes without any sense, or with a header that is right or nearly so. */
  private static void attack(Random random) {
    byte[] bytes = new byte[random.nextInt(3000)];
    random.nextBytes(bytes);
    int type = 1 + random.nextInt(6);
    try (SocketChannel channel = connect()) {
      if (random.nextInt(4) != 0) {
        int size =
            switch (random.nextInt(3)) {
              case 0 -> bytes.length;
              case 1 -> random.nextInt(8) * 4;
              default -> random.nextInt();
            };
        channel.write(header(MAGIC, 1, type, size, random.nextInt(2)));
      }
      channel.write(ByteBuffer.wrap(bytes));
      if (random.nextBoolean()) {
        channel.shutdownOutput();
        rest(channel);
      }
    } catch (IOException refused) {
      // The host has closed the connection before it had everything.
    }
  }

  @Test
  void otherUsersProgramsCannotBeSignalledOrRead() throws Exception {
    try (HostClient client = HostClient.connect(host.socket())) {
      int self = (int) ProcessHandle.current().pid();
      for (int pid : new int[] {self, 1, 0, -1, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
        org.assertj.core.api.Assertions.assertThatIOException()
            .isThrownBy(() -> client.signal(pid, 9));
        org.assertj.core.api.Assertions.assertThatIOException()
            .isThrownBy(() -> client.mappings(pid));
      }
    }
  }
}
