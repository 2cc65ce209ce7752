package io.tproc.jni;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.tproc.TprocHost;
import io.tproc.TprocListener;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Listeners and hosts in every order in which users may open and close them. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ListenerLifecycleTest {
  @TempDir Path directory;

  private Path socket() {
    return directory.resolve("s");
  }

  private static boolean answers(Path socket) throws IOException {
    try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
      return channel.isConnected();
    } catch (IOException refused) {
      return false;
    }
  }

  @Test
  void opensAndCloses() throws Exception {
    try (TprocHost host = TprocHost.open()) {
      TprocListener listener = host.listen(socket());
      assertThat(listener.socket()).isEqualTo(socket());
      assertThat(listener.isOpen()).isTrue();
      assertThat(answers(socket())).isTrue();
      assertThat(listener).hasToString("TprocListener[" + socket() + ", open]");

      listener.close();
      listener.close();

      assertThat(listener.isOpen()).isFalse();
      assertThat(socket()).doesNotExist();
      assertThat(listener).hasToString("TprocListener[" + socket() + ", closed]");
      host.listen(socket()).close();
    }
  }

  @Test
  void closingTheHostClosesAll() throws Exception {
    TprocHost host = TprocHost.open();
    TprocListener first = host.listen(socket());
    TprocListener second = host.listen(directory.resolve("second"));

    host.close();

    assertThat(first.isOpen()).isFalse();
    assertThat(second.isOpen()).isFalse();
    assertThat(directory).isEmptyDirectory();
    first.close();
    assertThatIllegalStateException()
        .isThrownBy(() -> host.listen(socket()))
        .withMessage("the host is closed");
  }

  @Test
  void hostsListenIndependently() throws Exception {
    try (TprocHost other = TprocHost.open()) {
      TprocListener kept = other.listen(socket());
      TprocHost host = TprocHost.open();
      assertThatIOException()
          .isThrownBy(() -> host.listen(socket()))
          .withMessageContaining(socket().toString());
      host.close();
      assertThat(kept.isOpen()).isTrue();
      assertThat(answers(socket())).isTrue();
    }
  }

  @Test
  void aFailureLeavesNothing() throws Exception {
    Path file = Files.createFile(socket());
    try (TprocHost host = TprocHost.open()) {
      long descriptors = descriptors();
      for (int i = 0; i < 20; i++) {
        assertThatIOException().isThrownBy(() -> host.listen(file));
        assertThatIOException().isThrownBy(() -> host.listen(directory.resolve("none/s")));
      }
      assertThat(descriptors()).isEqualTo(descriptors);
    }
    assertThat(file).isEmptyFile();
  }

  private static long descriptors() throws IOException {
    try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
      return all.count();
    }
  }

  @Test
  void aForgottenListenerGoesOnAndKeepsItsHost() throws Exception {
    openAndForget();
    for (int i = 0; i < 5; i++) {
      System.gc();
      System.runFinalization();
    }
    assertThat(answers(socket())).isTrue();
  }

  private void openAndForget() throws IOException {
    assertThat(TprocHost.open().listen(socket()).isOpen()).isTrue();
  }

  @Test
  void listenersThatRaceWithTheEndOfTheHostEitherWorkOrRefuse() throws Exception {
    ExecutorService users = Executors.newFixedThreadPool(4);
    try {
      for (int round = 0; round < 10; round++) {
        TprocHost host = TprocHost.open();
        CountDownLatch running = new CountDownLatch(4);
        List<Future<Integer>> all = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
          Path socket = directory.resolve("s" + i);
          all.add(
              users.submit(
                  () -> {
                    int opened = 0;
                    try {
                      while (true) {
                        try (TprocListener listener = host.listen(socket)) {
                          opened++;
                          if (opened == 1) {
                            running.countDown();
                          }
                          assertThat(listener.socket()).isEqualTo(socket);
                        }
                      }
                    } catch (IllegalStateException closed) {
                      assertThat(closed).hasMessage("the host is closed");
                    }
                    return opened;
                  }));
        }
        assertThat(running.await(60, TimeUnit.SECONDS)).isTrue();
        host.close();
        for (Future<Integer> each : all) {
          assertThat(each.get(60, TimeUnit.SECONDS)).isPositive();
        }
        assertThat(directory).isEmptyDirectory();
      }
    } finally {
      users.shutdownNow();
    }
  }
}
