package io.tproc.jni;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.tproc.ExitStatus;
import io.tproc.ExitStatus.Exited;
import io.tproc.ExitStatus.Signalled;
import io.tproc.LaunchException;
import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Hosts and handles in every order in which users may call them, with real programs. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class HostLifecycleTest {
  private static final ExitStatus KILLED = new Signalled(9, false);

  private static ThreadProc sleeper(TprocHost host) throws Exception {
    return host.command("sleep", "1000").start();
  }

  @Test
  void closingAHostEndsWhatRuns() throws Exception {
    TprocHost host = TprocHost.open();
    ThreadProc first = sleeper(host);
    ThreadProc second = sleeper(host);
    CompletableFuture<Process> onExit = first.onExit();
    assertThat(host.running()).containsExactly(first, second);

    host.close();

    assertThat(first.exitStatus()).contains(KILLED);
    assertThat(second.exitValue()).isEqualTo(137);
    assertThat(onExit.get(20, TimeUnit.SECONDS)).isSameAs(first);
    assertThat(host.running()).isEmpty();
  }

  @Test
  void aClosedHostRefuses() {
    TprocHost host = TprocHost.open();
    host.close();
    host.close();

    assertThatIllegalStateException().isThrownBy(() -> host.command("true").start());
    assertThatIllegalStateException().isThrownBy(host::scratch);
  }

  @Test
  void handlesOutliveTheirHostHarmlessly() throws Exception {
    ThreadProc program;
    try (TprocHost host = TprocHost.open()) {
      program = sleeper(host);
    }

    assertThat(program.signal(9)).isFalse();
    program.destroy();
    program.destroyForcibly();
    program.close();
    assertThat(program.waitForExit()).isEqualTo(KILLED);
    assertThat(program.isAlive()).isFalse();
    assertThat(program.toHandle().pid()).isEqualTo(program.pid());
  }

  @Test
  void closingAProgramKillsItOnce() throws Exception {
    try (TprocHost host = TprocHost.open()) {
      ThreadProc program = sleeper(host);
      program.close();
      program.close();

      assertThat(program.exitStatus()).contains(KILLED);
      assertThat(program.signal(0)).isFalse();
      assertThat(host.running()).isEmpty();
    }
  }

  @Test
  void signalsReachTheProgram() throws Exception {
    try (TprocHost host = TprocHost.open();
        ThreadProc program = sleeper(host)) {
      assertThat(program.signal(0)).isTrue();
      assertThat(program.signal(10)).isTrue();
      assertThat(program.waitForExit()).isEqualTo(new Signalled(10, false));
      assertThatExceptionOfType(IllegalArgumentException.class)
          .isThrownBy(() -> program.signal(65));
    }
  }

  @Test
  @SuppressWarnings("try") // closing twice is a part of the test
  void anInterruptedWaitLeavesTheProgramAlone() throws Exception {
    try (TprocHost host = TprocHost.open();
        ThreadProc program = sleeper(host)) {
      Thread.currentThread().interrupt();
      assertThatExceptionOfType(InterruptedException.class).isThrownBy(program::waitForExit);
      assertThat(program.isAlive()).isTrue();

      Thread.currentThread().interrupt();
      program.close();
      assertThat(Thread.interrupted()).as("kept for the caller").isTrue();
    }
  }

  @Test
  @SuppressWarnings("try") // closing twice is a part of the test
  void hostsAreIndependent() throws Exception {
    try (TprocHost first = TprocHost.open();
        TprocHost second = TprocHost.open()) {
      first.scratch().putLong(0, 1);
      second.scratch().putLong(0, 2);
      ThreadProc program = sleeper(second);
      assertThat(first.scratch().getLong(0)).isEqualTo(1);

      first.close();

      assertThat(program.isAlive()).isTrue();
      assertThat(second.scratch().getLong(0)).isEqualTo(2);
    }
  }

  @Test
  void viewsAndAddressesAreThoseOfThisProcess() {
    try (TprocHost host = TprocHost.open()) {
      ByteBuffer buffer = ByteBuffer.allocateDirect(64);
      long address = host.addressOf(buffer);
      host.view(address + 8, 8).putLong(0, 42);

      assertThat(buffer.order(java.nio.ByteOrder.nativeOrder()).getLong(8)).isEqualTo(42);
      assertThat(host.addressOf(buffer.position(16).slice())).isEqualTo(address + 16);
      assertThat(host.addressOf(buffer.asReadOnlyBuffer().asIntBuffer())).isEqualTo(address + 16);
    }
  }

  @Test
  void aFailedLaunchSaysWhyAndLeavesNothing() {
    try (TprocHost host = TprocHost.open()) {
      assertThatExceptionOfType(LaunchException.class)
          .isThrownBy(() -> host.command("/no/such/program").start())
          .withMessageStartingWith("cannot host /no/such/program")
          .withMessageEndingWith("(ENOENT)")
          .extracting(LaunchException::errno)
          .isEqualTo(2);
      assertThat(host.running()).isEmpty();
    }
  }

  @Test
  void launchesAndSignalsThatRaceWithTheEndOfTheHostEitherWorkOrRefuse() throws Exception {
    ExecutorService users = Executors.newFixedThreadPool(4);
    try {
      for (int round = 0; round < 10; round++) {
        TprocHost host = TprocHost.open();
        CountDownLatch running = new CountDownLatch(4);
        Callable<Integer> user =
            () -> {
              int started = 0;
              try {
                while (true) {
                  ThreadProc program = host.command("true").start();
                  program.signal(15);
                  started++;
                  if (started % 2 == 0) {
                    program.close();
                  }
                  if (started == 1) {
                    running.countDown();
                  }
                }
              } catch (IllegalStateException closed) {
                assertThat(closed).hasMessage("the host is closed");
              }
              return started;
            };
        List<Future<Integer>> all = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
          all.add(users.submit(user));
        }
        assertThat(running.await(60, TimeUnit.SECONDS)).isTrue();
        Future<?> other = users.submit(host::close);
        host.close();
        for (Future<Integer> each : all) {
          assertThat(each.get(60, TimeUnit.SECONDS)).isPositive();
        }
        other.get(60, TimeUnit.SECONDS);
      }
    } finally {
      users.shutdownNow();
    }
  }

  @Test
  void aForgottenHostIsClosedWhenItsProgramsHaveEnded() throws Exception {
    Thread[] collector = new Thread[1];
    ThreadProc program = startAndForgetTheHost(collector);

    System.gc();
    assertThat(program.isAlive()).as("who keeps a program keeps its host").isTrue();
    assertThat(collector[0].isAlive()).isTrue();

    program.destroyForcibly().waitFor();
    program = null;
    await(() -> !collector[0].isAlive());
  }

  private static ThreadProc startAndForgetTheHost(Thread[] collector) throws Exception {
    List<Thread> before = List.copyOf(Thread.getAllStackTraces().keySet());
    TprocHost host = TprocHost.open();
    collector[0] =
        Thread.getAllStackTraces().keySet().stream()
            .filter(
                thread -> thread.getName().equals("tproc-collector") && !before.contains(thread))
            .findFirst()
            .orElseThrow();
    return sleeper(host);
  }

  @Test
  void aBufferOverTheScratchPageKeepsAForgottenHost() {
    ByteBuffer scratch = TprocHost.open().scratch();
    for (int i = 0; i < 5; i++) {
      System.gc();
      System.runFinalization();
    }
    // A released page would end the JVM here.
    assertThat(scratch.putInt(0, 7).getInt(0)).isEqualTo(7);
  }

  @Test
  void aForgottenHandleDoesNotLoseTheExit() throws Exception {
    try (TprocHost host = TprocHost.open()) {
      CompletableFuture<Process> exit = host.command("sh", "-c", "exit 3").start().onExit();
      System.gc();
      assertThat(((ThreadProc) exit.get(20, TimeUnit.SECONDS)).exitStatus())
          .contains(new Exited(3));
      WeakReference<Process> handle = new WeakReference<>(exit.get());
      exit = null;
      await(() -> handle.refersTo(null));
    }
  }

  /** Until the garbage collector has noticed; the class's timeout ends what never comes true. */
  private static void await(BooleanSupplier condition) throws InterruptedException {
    CountDownLatch never = new CountDownLatch(1);
    while (!condition.getAsBoolean()) {
      System.gc();
      never.await(10, TimeUnit.MILLISECONDS);
    }
  }
}
