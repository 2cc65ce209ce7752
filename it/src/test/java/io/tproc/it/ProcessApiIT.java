package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tproc.ExitStatus.Exited;
import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import java.io.FileOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * Who knows {@link Process} knows {@link ThreadProc}: after OpenJDK's
 * test/jdk/java/lang/ProcessBuilder.
 */
@ExtendWith(HostExtension.class)
class ProcessApiIT {
  private static ThreadProc waiter(TprocHost host) throws Exception {
    ThreadProc program = host.command(Programs.probe("waiter")).start();
    assertThat(program.inputReader().readLine()).isEqualTo("ready");
    return program;
  }

  @Test
  void aRunningProgram(TprocHost host) throws Exception {
    try (ThreadProc program = waiter(host)) {
      assertThat(program.isAlive()).isTrue();
      assertThat(program.exitStatus()).isEmpty();
      assertThat(program.supportsNormalTermination()).isTrue();
      assertThatThrownBy(program::exitValue).isInstanceOf(IllegalThreadStateException.class);
      assertThat(program.onExit()).isNotDone();
      assertThat(program.toString()).contains(Long.toString(program.pid()));
    }
  }

  @Test
  void aProgramThatHasEnded(TprocHost host) throws Exception {
    try (ThreadProc program = host.command(Programs.nothing()).start()) {
      assertThat(program.waitFor()).isZero();
      assertThat(program.isAlive()).isFalse();
      assertThat(program.exitValue()).isZero();
      assertThat(program.waitFor(0, TimeUnit.SECONDS)).isTrue();
      assertThat(program.onExit().get()).isSameAs(program);
      program.destroy();
      program.destroyForcibly();
      assertThat(program.waitForExit()).isEqualTo(new Exited(0));
    }
  }

  @Test
  void waitingWithATimeout(TprocHost host) throws Exception {
    try (ThreadProc program = waiter(host)) {
      assertThat(program.waitFor(0, TimeUnit.SECONDS)).isFalse();
      assertThat(program.waitFor(-1, TimeUnit.SECONDS)).isFalse();
      long start = System.nanoTime();
      assertThat(program.waitFor(100, TimeUnit.MILLISECONDS)).isFalse();
      assertThat(Duration.ofNanos(System.nanoTime() - start))
          .isGreaterThanOrEqualTo(Duration.ofMillis(100));
      program.destroyForcibly();
      assertThat(program.waitFor(Patience.seconds(20).toMillis(), TimeUnit.MILLISECONDS)).isTrue();
      assertThat(program.waitFor(Long.MAX_VALUE, TimeUnit.DAYS)).isTrue();
    }
  }

  @Test
  void waitingIsInterruptible(TprocHost host) throws Exception {
    try (ThreadProc program = waiter(host)) {
      Thread.currentThread().interrupt();
      assertThatThrownBy(program::waitFor).isInstanceOf(InterruptedException.class);
      Thread.currentThread().interrupt();
      assertThatThrownBy(program::waitForExit).isInstanceOf(InterruptedException.class);
      Thread.currentThread().interrupt();
      assertThatThrownBy(() -> program.waitFor(10, TimeUnit.SECONDS))
          .isInstanceOf(InterruptedException.class);
      assertThat(Thread.currentThread().isInterrupted()).isFalse();
      assertThat(program.isAlive()).isTrue();
    }
  }

  @Test
  void severalThreadsWaitForOne(TprocHost host) throws Exception {
    try (ThreadProc program = waiter(host)) {
      List<CompletableFuture<Integer>> waiting =
          Stream.generate(() -> CompletableFuture.supplyAsync(() -> waitFor(program)))
              .limit(2)
              .toList();
      program.destroyForcibly();
      for (CompletableFuture<Integer> result : waiting) {
        assertThat(result.get(Patience.seconds(20).toMillis(), TimeUnit.MILLISECONDS))
            .isEqualTo(137);
      }
    }
  }

  private static int waitFor(Process program) {
    try {
      return program.waitFor();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void onExitCompletesOnceItHasEnded(TprocHost host) throws Exception {
    try (ThreadProc program = waiter(host)) {
      CompletableFuture<Process> first = program.onExit();
      CompletableFuture<Process> second = program.onExit();
      first.cancel(true);
      assertThat(program.isAlive()).as("cancelling a future does not touch the program").isTrue();
      program.destroy();
      assertThat(second.get(Patience.seconds(20).toMillis(), TimeUnit.MILLISECONDS))
          .isSameAs(program);
      assertThat(program.exitValue()).isEqualTo(128 + 15);
    }
  }

  @Test
  void itsHandle(TprocHost host) throws Exception {
    try (ThreadProc program = waiter(host)) {
      ProcessHandle handle = program.toHandle();
      assertThat(handle.pid()).isEqualTo(program.pid());
      assertThat(handle).isEqualTo(ProcessHandle.of(program.pid()).orElseThrow());
      assertThat(handle.isAlive()).isTrue();
      assertThat(handle.parent()).contains(ProcessHandle.current());
      assertThat(ProcessHandle.current().children()).contains(handle);
      CompletableFuture<ProcessHandle> exit = handle.onExit();

      assertThat(handle.destroyForcibly()).isTrue();

      program.waitForExit();
      assertThat(exit.get(Patience.seconds(20).toMillis(), TimeUnit.MILLISECONDS))
          .isEqualTo(handle);
      assertThat(handle.isAlive()).isFalse();
      assertThat(program.toHandle()).isEqualTo(handle);
    }
  }

  @Test
  void theHandleOfAProgramThatEndsAtOnce(TprocHost host) throws Exception {
    for (int i = 0; i < 50; i++) {
      try (ThreadProc program = host.command(Programs.nothing()).start()) {
        assertThat(program.toHandle().pid()).isEqualTo(program.pid());
        program.waitForExit();
        assertThat(program.toHandle().isAlive()).isFalse();
      }
    }
  }

  @Test
  void itsInfo(TprocHost host) throws Exception {
    try (ThreadProc program = waiter(host)) {
      ProcessHandle.Info info = program.info();
      assertThat(info.startInstant()).isPresent();
      assertThat(info.user()).isEqualTo(ProcessHandle.current().info().user());
      assertThat(info.totalCpuDuration()).isPresent();
    }
  }

  private static List<Object> told(ProcessHandle.Info info) {
    return List.of(
        info.command(),
        info.commandLine(),
        info.arguments().map(Arrays::asList),
        info.user(),
        info.startInstant().isPresent(),
        info.totalCpuDuration().isPresent());
  }

  private static List<Object> toldOf(Process program) throws Exception {
    try {
      assertThat(program.inputReader().readLine()).isEqualTo("ready");
      return told(program.info());
    } finally {
      program.destroyForcibly().waitFor();
    }
  }

  private void assertToldAsNatively(TprocHost host, String... command) throws Exception {
    Process natively = new ProcessBuilder(command).start();
    assertThat(toldOf(host.command(command).start()))
        .as(String.join(" ", command))
        .isEqualTo(toldOf(natively));
  }

  @Test
  void itsInfoIsTheNativeOne(TprocHost host, @TempDir Path directory) throws Exception {
    String waiter = Programs.probe("waiter");
    Path link = Files.createSymbolicLink(directory.resolve("link"), Path.of(waiter));
    String shell = Programs.hostable("sh");
    Path script = directory.resolve("script");
    Files.writeString(script, "#!" + shell + " -e\necho ready; read line; :\n");
    assertThat(script.toFile().setExecutable(true)).isTrue();
    Path leaving = directory.resolve("leaving");
    Files.writeString(leaving, "#!" + shell + "\nexec " + waiter + " after\n");
    assertThat(leaving.toFile().setExecutable(true)).isTrue();

    assertToldAsNatively(host, waiter, "with", "two words");
    assertToldAsNatively(host, waiter);
    assertToldAsNatively(host, link.toString(), "x");
    assertToldAsNatively(host, "sh", "-c", "echo ready; read line; :", "name", "argument");
    assertToldAsNatively(host, script.toString(), "argument");
    assertToldAsNatively(host, leaving.toString());
    Files.delete(link); // JUnit warns of links that lead out of its directory
  }

  /** Also what it writes when the program has ended, and is collected. */
  @Test
  void whatADescendantWritesLaterIsRead(TprocHost host, @TempDir Path directory) throws Exception {
    String fifo = directory.resolve("fifo").toString();
    String shell = Programs.hostable("sh");
    try (ThreadProc program =
        host.command(shell, "-c", "mkfifo \"$0\"; (read x < \"$0\"; echo later) & echo now", fifo)
            .start()) {
      program.waitForExit();
      new FileOutputStream(fifo).close();
      assertThat(program.inputReader().lines()).containsExactly("now", "later");
    }
  }

  @Test
  void itsChildren(TprocHost host) throws Exception {
    String shell = Programs.hostable("sh");
    try (ThreadProc program =
        host.command(shell, "-c", Programs.probe("waiter") + " & wait", "sh").start()) {
      assertThat(program.inputReader().readLine()).isEqualTo("ready");
      List<ProcessHandle> children = program.children().toList();
      assertThat(children).hasSize(1);
      assertThat(program.descendants().toList()).isEqualTo(children);
      assertThat(children.get(0).parent()).contains(program.toHandle());
      children.get(0).destroyForcibly();
    }
  }

  @Test
  void isItselfAndNoOther(TprocHost host) throws Exception {
    try (ThreadProc first = waiter(host);
        ThreadProc second = waiter(host)) {
      assertThat(first).isEqualTo(first).isNotEqualTo(second);
      assertThat(first.pid()).isNotEqualTo(second.pid());
    }
  }

  @Test
  void signalsSentAtOnceArrive(TprocHost host) throws Exception {
    for (int i = 0; i < 50; i++) {
      try (ThreadProc program = host.command(Programs.probe("waiter")).start()) {
        program.destroy();
        assertThat(program.waitForExit().exitValue()).isEqualTo(128 + 15);
      }
    }
  }
}
