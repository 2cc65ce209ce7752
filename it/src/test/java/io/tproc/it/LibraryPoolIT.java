package io.tproc.it;

import static io.tproc.library.CType.INT;
import static io.tproc.library.CType.LONG;
import static io.tproc.library.CType.POINTER;
import static io.tproc.library.CType.VOID;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tproc.ExitStatus;
import io.tproc.ExitStatus.Exited;
import io.tproc.ExitStatus.Signalled;
import io.tproc.TprocHost;
import io.tproc.library.ContainedFunction;
import io.tproc.library.LibraryBuilder;
import io.tproc.library.LibraryCrashedException;
import io.tproc.library.LibraryLoadException;
import io.tproc.library.LibraryPool;
import io.tproc.library.LibraryTimeoutException;
import io.tproc.library.LibraryTurnException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Several instances of a library, and what they survive. */
@ExtendWith(HostExtension.class)
@Timeout(value = 15, unit = TimeUnit.MINUTES)
class LibraryPoolIT {
  interface Functions {
    long next_int64(long value);

    int process_id();

    long call_with(java.util.function.LongUnaryOperator function, long value);
  }

  private static LibraryPool open(TprocHost host, int count) throws Exception {
    return host.libraryPool(Programs.library("contained"), count);
  }

  @Test
  void instancesHaveStatesOfTheirOwn(TprocHost host) throws Exception {
    try (LibraryPool pool = open(host, 3)) {
      Set<Integer> processes = new HashSet<>();
      Set<Integer> seen =
          pool.with(
              one -> {
                processes.add((int) one.process().pid());
                one.function("count", LONG).call();
                assertThat(one.function("count", LONG).call()).isEqualTo(2L);
                return processes;
              });
      assertThat(seen).hasSize(1);
      ContainedFunction count = pool.function("count", LONG);
      Set<Long> counts = new HashSet<>();
      for (int i = 0; i < 3; i++) {
        counts.add(count.callLong());
      }
      assertThat(counts).containsExactlyInAnyOrder(1L, 3L);
    }
  }

  /** The limit is over just when the call returns: whoever comes next is not to pay for it. */
  @Test
  void aCallThatReturnedHasLeftItsInstanceWell(TprocHost host) throws Exception {
    try (LibraryPool pool = open(host, 1)) {
      ContainedFunction sleep =
          pool.function("sleep_milliseconds", VOID, INT).within(Duration.ofMillis(2));
      ContainedFunction next = pool.function("next_int32", INT, INT);
      for (long i = 0; i < Patience.scaled(200); i++) {
        try {
          sleep.call(2);
        } catch (LibraryTimeoutException late) {
          assertThat(late).hasMessageContaining("sleep_milliseconds took longer than PT0.002S");
        }
        assertThat(next.call(1)).isEqualTo(2);
      }
    }
  }

  @Test
  void callsOfManyThreads(TprocHost host) throws Exception {
    try (LibraryPool pool = open(host, 2)) {
      Functions functions = pool.as(Functions.class);
      Set<Integer> processes = java.util.concurrent.ConcurrentHashMap.newKeySet();
      Parallel.run(
          8,
          () -> {
            for (long i = 0; i < Patience.scaled(500); i++) {
              assertThat(functions.next_int64(i)).isEqualTo(i + 1);
              processes.add(functions.process_id());
            }
            return null;
          });
      assertThat(processes).hasSizeBetween(1, 2);
      assertThat(functions.call_with(functions::next_int64, 5)).isEqualTo(7);
      assertThat(functions).hasToString(functions.toString());
    }
  }

  @Test
  void instancesAreRecycled(TprocHost host) throws Exception {
    Resources before = Resources.now();
    try (LibraryPool pool =
        host.libraryBuilder(Programs.library("contained")).recycleAfter(10, 0).openPool(1)) {
      List<Long> counts = new ArrayList<>();
      for (int i = 0; i < 25; i++) {
        counts.add(pool.function("count", LONG).callLong());
      }
      assertThat(counts.subList(8, 12)).containsExactly(9L, 10L, 1L, 2L);
      assertThat(counts.get(24)).isEqualTo(5);
    }
    try (LibraryPool pool =
        host.libraryBuilder(Programs.library("contained"))
            .recycleAfter(0, 50_000_000)
            .openPool(1)) {
      Set<Integer> processes = new HashSet<>();
      for (int i = 0; i < 100; i++) {
        pool.function("leak", POINTER, LONG).call(2_000_000L);
        processes.add(pool.function("process_id", INT).callInt());
      }
      assertThat(processes).hasSizeBetween(3, 8);
    }
    before.assertAsBefore();
  }

  @Test
  void closingEndsCallsAndThoseThatWait(TprocHost host) throws Exception {
    LibraryPool pool = open(host, 1);
    ExecutorService threads = Executors.newFixedThreadPool(3);
    try {
      List<Future<?>> calls = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        calls.add(threads.submit(() -> pool.function("hang", VOID).call()));
      }
      Patience.until(Patience.seconds(10), NativeWaits::isAnyWaiting);
      pool.close();
      for (Future<?> call : calls) {
        assertThatThrownBy(() -> call.get(1, TimeUnit.MINUTES)).hasMessageContaining("closed");
      }
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void anInterruptEndsTheWaitForAnInstance(TprocHost host) throws Exception {
    try (LibraryPool pool = open(host, 1)) {
      CompletableFuture<Object> waited = new CompletableFuture<>();
      pool.with(
          taken -> {
            Thread waiter =
                new Thread(
                    () -> {
                      try {
                        waited.complete(pool.function("count", LONG).call());
                      } catch (LibraryTurnException expected) {
                        waited.complete(Thread.currentThread().isInterrupted());
                      } catch (Throwable other) {
                        waited.completeExceptionally(other);
                      }
                    });
            waiter.start();
            Patience.until(Patience.seconds(10), () -> waiter.getState() == Thread.State.WAITING);
            waiter.interrupt();
            assertThat(waited.get(1, TimeUnit.MINUTES)).isEqualTo(true);
            return taken.function("count", LONG).call();
          });
      assertThat(pool.function("count", LONG).call()).isEqualTo(2L);
    }
  }

  /** Whoever has an instance may end it: the next call has another. */
  @Test
  void anInstanceThatIsClosedOrRestartedByItsUser(TprocHost host) throws Exception {
    host.library("libc.so.6").close(); // with it the host's threads have begun
    Resources before = Resources.now();
    try (LibraryPool pool = open(host, 1)) {
      ContainedFunction count = pool.function("count", LONG);
      assertThat(count.call()).isEqualTo(1L);
      pool.with(
          library -> {
            library.close();
            assertThat(library.isAlive()).isFalse();
            return null;
          });
      assertThat(count.call()).isEqualTo(1L);
      pool.with(
          library -> {
            library.restart();
            return null;
          });
      assertThat(count.call()).isEqualTo(1L);
      Functions functions = pool.as(Functions.class);
      assertThat(functions.next_int64(1)).isEqualTo(2);
    }
    before.assertAsBefore();
  }

  /** Where a replacement does not start, a call says so in time, and the next one tries again. */
  @Test
  void anInstanceThatHangsAtItsStart(TprocHost host, @TempDir Path directory) throws Exception {
    Resources before = Resources.now();
    Path file = directory.resolve("hang");
    LibraryBuilder builder =
        host.libraryBuilder(Programs.library("hanging")).startLimit(Patience.seconds(3));
    builder.environment().put("HANG_WHILE_THERE_IS", file.toString());
    try (LibraryPool pool = builder.openPool(1)) {
      ContainedFunction well = pool.function("well", INT);
      Files.createFile(file);
      pool.with(
          library -> {
            library.close();
            return null;
          });
      assertThatThrownBy(well::call)
          .isInstanceOf(UncheckedIOException.class)
          .hasMessageContaining("took longer than");
      Files.delete(file);
      assertThat(well.callInt()).isEqualTo(1);
      Files.createFile(file);
    }
    LibraryBuilder patient = builder.startLimit(Patience.seconds(600));
    Files.delete(file);
    LibraryPool pool = patient.openPool(1);
    Files.createFile(file);
    FutureTask<Object> call =
        new FutureTask<>(
            () ->
                pool.with(
                    library -> {
                      library.restart();
                      return null;
                    }));
    Thread caller = new Thread(call);
    caller.start();
    Patience.until(Patience.seconds(60), NativeWaits::isAnyWaiting);
    pool.close();
    assertThatThrownBy(() -> call.get(1, TimeUnit.MINUTES))
        .cause()
        .isInstanceOf(LibraryLoadException.class)
        .hasMessageContaining("it was closed");
    caller.join();
    before.assertAsBefore();
  }

  /** What is injected, and how the call has to end. */
  private enum Fault {
    NONE,
    SEGMENTATION,
    ABORT,
    EXIT,
    HANG,
    OVERFLOW,
    LEAK;

    void happen(LibraryPool pool) {
      switch (this) {
        case NONE -> assertThat(pool.function("next_int32", INT, INT).callInt(41)).isEqualTo(42);
        case LEAK ->
            assertThat(pool.function("leak", POINTER, LONG).callLong(1_000_000L)).isPositive();
        case SEGMENTATION ->
            assertThat(crash(pool.function("read_at", INT, POINTER), 8L))
                .isEqualTo(new Signalled(11, false));
        case ABORT ->
            assertThat(crash(pool.function("give_up", VOID))).isEqualTo(new Signalled(6, false));
        case EXIT ->
            assertThat(crash(pool.function("leave_with", VOID, INT), 3)).isEqualTo(new Exited(3));
        case OVERFLOW ->
            assertThat(crash(pool.function("overflow_stack", INT)))
                .isEqualTo(new Signalled(11, false));
        case HANG ->
            assertThatThrownBy(
                    () -> pool.function("hang", VOID).within(Duration.ofMillis(5)).call())
                .isInstanceOf(LibraryTimeoutException.class);
      }
    }

    private static ExitStatus crash(ContainedFunction function, Object... arguments) {
      try {
        return org.assertj.core.api.Assertions.fail("returned: " + function.call(arguments));
      } catch (LibraryCrashedException crashed) {
        return crashed.exitStatus();
      }
    }
  }

  /** One call of 25 goes wrong, in any of seven ways. */
  @Test
  void aStormOfFaults(TprocHost host) throws Exception {
    Resources before = Resources.now();
    AtomicInteger faults = new AtomicInteger();
    try (LibraryPool pool =
        host.libraryBuilder(Programs.library("contained"))
            .redirectError(Redirect.DISCARD)
            .recycleAfter(0, 100_000_000)
            .openPool(4)) {
      AtomicInteger seeds = new AtomicInteger();
      Parallel.run(
          8,
          () -> {
            Random random = new Random(seeds.incrementAndGet());
            for (long i = 0; i < Patience.scaled(1250); i++) {
              Fault fault =
                  random.nextInt(25) == 0
                      ? Fault.values()[random.nextInt(Fault.values().length)]
                      : Fault.NONE;
              fault.happen(pool);
              faults.addAndGet(fault == Fault.NONE ? 0 : 1);
            }
            return null;
          });
    }
    assertThat(faults.get()).isPositive();
    before.assertAsBefore();
  }
}
