package io.tproc.it;

import static io.tproc.library.CType.INT;
import static io.tproc.library.CType.LONG;
import static io.tproc.library.CType.POINTER;
import static io.tproc.library.CType.VOID;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tproc.TprocHost;
import io.tproc.library.Callback;
import io.tproc.library.CallbackBody;
import io.tproc.library.ContainedFunction;
import io.tproc.library.ContainedLibrary;
import io.tproc.library.LibraryCrashedException;
import io.tproc.library.LibraryInterruptedException;
import io.tproc.library.LibraryThreads;
import io.tproc.library.LibraryTurnException;
import io.tproc.library.Signature;
import java.lang.management.ManagementFactory;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.management.JMException;
import javax.management.ObjectName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What of the JVM waits while a call of a contained library does not return: its thread alone. */
@ExtendWith(HostExtension.class)
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class ContainedThreadsIT {
  private static ContainedLibrary open(TprocHost host, LibraryThreads threads) throws Exception {
    return host.libraryBuilder(Programs.library("contained")).threads(threads).open();
  }

  private static Thread start(CompletableFuture<Object> result, Callable<Object> call) {
    Thread caller =
        new Thread(
            () -> {
              try {
                result.complete(call.call());
              } catch (Throwable thrown) {
                result.completeExceptionally(thrown);
              }
            });
    caller.start();
    return caller;
  }

  /** Collecting garbage needs a safepoint: one that a hanging call held up would never be. */
  @ParameterizedTest
  @EnumSource(LibraryThreads.class)
  void garbageIsCollectedMeanwhile(LibraryThreads threads, TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host, threads)) {
      CompletableFuture<Object> hanging = new CompletableFuture<>();
      Thread caller = start(hanging, library.function("hang", VOID)::call);
      Patience.until(Patience.seconds(60), () -> NativeWaits.isInCall(caller));
      Supplier<WeakReference<Object>> garbage = () -> new WeakReference<>(new byte[1 << 20]);
      WeakReference<Object> collected = garbage.get();
      while (collected.get() != null) {
        System.gc();
      }
      assertThat(Thread.getAllStackTraces()).containsKey(caller);
      assertThat(hanging).isNotDone();
      library.close();
      assertThatThrownBy(() -> hanging.get(1, TimeUnit.MINUTES))
          .hasCauseInstanceOf(LibraryCrashedException.class);
    }
  }

  private static ExecutorService virtualThreads() throws Exception {
    assumeTrue(Runtime.version().feature() >= 21, "skipped: virtual threads are Java 21's");
    return (ExecutorService)
        Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null);
  }

  /** More hanging calls than there are carriers, and yet others run. */
  @ParameterizedTest
  @EnumSource(
      value = LibraryThreads.class,
      names = {"OWN", "SHARED"})
  void carriersOfVirtualThreadsAreFree(LibraryThreads threads, TprocHost host) throws Exception {
    ExecutorService virtual = virtualThreads();
    try (ContainedLibrary library = open(host, threads)) {
      ContainedFunction hang = library.function("hang", VOID);
      ContainedFunction next = library.function("next_int32", INT, INT);
      int more = Math.min(60, 4 * Runtime.getRuntime().availableProcessors());
      List<Future<Object>> hanging = new ArrayList<>();
      for (int i = 0; i < more; i++) {
        hanging.add(virtual.submit((Callable<Object>) hang::call));
      }
      for (int i = 0; i < 100; i++) {
        int value = i;
        Future<Integer> quick = virtual.submit(() -> next.callInt(value));
        assertThat(quick.get(1, TimeUnit.MINUTES)).isEqualTo(value + 1);
      }
      assertThat(hanging).noneMatch(Future::isDone);
      library.close();
      for (Future<Object> one : hanging) {
        assertThatThrownBy(() -> one.get(1, TimeUnit.MINUTES))
            .isInstanceOf(ExecutionException.class)
            .hasMessageContaining("closed");
      }
    } finally {
      virtual.shutdownNow();
    }
  }

  @Test
  void anInterruptEndsACallOfAVirtualThread(TprocHost host) throws Exception {
    ExecutorService virtual = virtualThreads();
    try (ContainedLibrary library = open(host, LibraryThreads.OWN)) {
      ContainedFunction hang = library.function("hang", VOID);
      CompletableFuture<Throwable> thrown = new CompletableFuture<>();
      CompletableFuture<Thread> thread = new CompletableFuture<>();
      virtual.execute(
          () -> {
            thread.complete(Thread.currentThread());
            try {
              hang.call();
            } catch (Throwable ended) {
              thrown.complete(ended);
            }
          });
      Thread caller = thread.get(1, TimeUnit.MINUTES);
      Patience.until(Patience.seconds(60), () -> caller.getState() == Thread.State.WAITING);
      caller.interrupt();
      assertThat(thrown.get(1, TimeUnit.MINUTES)).isInstanceOf(LibraryInterruptedException.class);
    } finally {
      virtual.shutdownNow();
    }
  }

  /** Nothing has begun, and others use the library. */
  @ParameterizedTest
  @EnumSource(LibraryThreads.class)
  void aThreadThatIsInterruptedAlreadyEndsNothing(LibraryThreads threads, TprocHost host)
      throws Exception {
    try (ContainedLibrary library = open(host, threads)) {
      ContainedFunction sleep = library.function("sleep_milliseconds", VOID, INT);
      Thread.currentThread().interrupt();
      assertThatThrownBy(() -> sleep.call(20))
          .isInstanceOf(LibraryTurnException.class)
          .hasMessage("interrupted before sleep_milliseconds was called");
      for (int i = 0; i < 100; i++) { // what is over soon is not what an interrupt is for
        Callback callback = library.callback(Signature.of(VOID), arguments -> null);
        assertThat(library.bytesInUse()).isPositive();
        callback.close();
      }
      assertThat(Thread.interrupted()).isTrue();
      assertThat(library.isAlive()).isTrue();
      sleep.call(20);
    }
  }

  @Test
  void lookingForAFunctionWaitsForItsTurnForSoLong(TprocHost host) throws Exception {
    try (ContainedLibrary library =
        host.libraryBuilder(Programs.library("contained"))
            .threads(LibraryThreads.MAIN)
            .startLimit(Duration.ofSeconds(2))
            .open()) {
      Callback callback = library.callback(Signature.of(VOID), arguments -> null);
      CompletableFuture<Object> hanging = new CompletableFuture<>();
      Thread first = start(hanging, library.function("hang", VOID)::call);
      Patience.until(Patience.seconds(60), () -> NativeWaits.isInCall(first));
      assertThatThrownBy(() -> library.function("count", VOID))
          .isInstanceOf(LibraryTurnException.class)
          .hasMessage("looking for count has waited longer than PT2S for its turn");
      callback.close();
      assertThat(library.isAlive()).isTrue();
      assertThat(hanging).isNotDone();
    }
  }

  /** However long it may wait for its turn, closing waits for none, and nothing stays for ever. */
  @Test
  void aCallbackIsClosedWhileTheMainThreadRunsACall(TprocHost host) throws Exception {
    try (ContainedLibrary library =
        host.libraryBuilder(Programs.library("contained"))
            .threads(LibraryThreads.MAIN)
            .startLimit(Duration.ofDays(1000))
            .open()) {
      CountDownLatch called = new CountDownLatch(1);
      CountDownLatch over = new CountDownLatch(1);
      CallbackBody body =
          arguments -> {
            called.countDown();
            over.await();
            return 1L;
          };
      Signature ofLong = Signature.of(LONG, LONG);
      Callback waiting = library.callback(ofLong, body);
      ContainedFunction call = library.function("call_with", LONG, POINTER, LONG);
      long before = library.bytesInUse();
      List<Callback> callbacks = new ArrayList<>();
      for (int i = 0; i < 1000; i++) {
        callbacks.add(library.callback(ofLong, arguments -> 0L));
      }
      long with = library.bytesInUse() - before;
      CompletableFuture<Object> busy = new CompletableFuture<>();
      Thread unused = start(busy, () -> call.callLong(waiting, 1L));
      called.await();
      CompletableFuture<Object> closed = new CompletableFuture<>();
      unused =
          start(
              closed,
              () -> {
                callbacks.forEach(Callback::close);
                return true;
              });
      closed.get(2, TimeUnit.MINUTES);
      assertThat(busy).isNotDone();
      over.countDown();
      busy.get(2, TimeUnit.MINUTES);
      Callback next = library.callback(ofLong, arguments -> 0L);
      assertThat(library.bytesInUse() - before).isLessThan(with / 10);
      next.close();
      waiting.close();
    }
  }

  /** With the thread that looks for a function, and takes as long as this wants. */
  private static final class Looking implements AutoCloseable {
    private final TprocHost host;
    private final long finding;
    private final CompletableFuture<Object> found = new CompletableFuture<>();

    Looking(TprocHost host, ContainedLibrary library) {
      this.host = host;
      this.finding = library.symbol("finding").orElseThrow();
      set(1);
      Thread looks = start(found, () -> library.symbol("found_slowly"));
      Patience.until(Patience.seconds(60), () -> NativeWaits.isWaiting(looks));
    }

    private void set(int value) {
      host.view(finding, Integer.BYTES).putInt(0, value);
    }

    @Override
    public void close() throws Exception {
      set(0);
      found.get(2, TimeUnit.MINUTES);
    }
  }

  @Test
  void anInterruptIsKeptWhenTheWaitForATurnEndsForItsLimit(TprocHost host) throws Exception {
    try (ContainedLibrary library =
            host.libraryBuilder(Programs.library("contained"))
                .interruptible(false)
                .startLimit(Patience.seconds(3))
                .threads(LibraryThreads.MAIN)
                .open();
        Callback callback = library.callback(Signature.of(VOID), arguments -> null)) {
      CompletableFuture<Object> hanging = new CompletableFuture<>();
      Thread first = start(hanging, library.function("hang", VOID)::call);
      Patience.until(Patience.seconds(60), () -> NativeWaits.isInCall(first));
      Thread.currentThread().interrupt();
      assertThatThrownBy(library::bytesInUse).isInstanceOf(LibraryTurnException.class);
      assertThat(Thread.interrupted()).isTrue();
      assertThat(callback.address()).isNotZero();
    }
  }

  private static long liveLanes() {
    try {
      Object histogram =
          ManagementFactory.getPlatformMBeanServer()
              .invoke(
                  new ObjectName("com.sun.management:type=DiagnosticCommand"),
                  "gcClassHistogram",
                  new Object[] {new String[0]},
                  new String[] {String[].class.getName()});
      Matcher lanes =
          Pattern.compile("(\\d+) +\\d+ +io\\.tproc\\.library\\.Lane(?= |$)", Pattern.MULTILINE)
              .matcher(histogram.toString());
      return lanes.find() ? Long.parseLong(lanes.group(1)) : 0;
    } catch (JMException impossible) {
      throw new AssertionError(impossible);
    }
  }

  /** Such a lane has 32 KiB. */
  @Test
  void aThreadThatIsNotStartedLeavesNoLane(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host, LibraryThreads.OWN)) {
      ContainedFunction next = library.function("next_int32", INT, INT);
      long before = liveLanes();
      int times = 20;
      try (Looking looking = new Looking(host, library)) {
        for (int i = 0; i < times; i++) {
          CompletableFuture<Object> called = new CompletableFuture<>();
          Thread caller = start(called, () -> next.call(1));
          Patience.until(
              Patience.seconds(60), () -> caller.getState() == Thread.State.TIMED_WAITING);
          caller.interrupt();
          assertThatThrownBy(() -> called.get(1, TimeUnit.MINUTES))
              .hasCauseInstanceOf(LibraryTurnException.class);
        }
        assertThat(looking.found).isNotDone();
      }
      assertThat(before).isPositive();
      assertThat(Patience.until(Patience.seconds(60), () -> liveLanes() < before + times / 2))
          .isTrue();
      assertThat(next.callInt(1)).isEqualTo(2);
    }
  }

  /** On the main thread, one call waits for another; what gives up there ends nothing. */
  @Test
  void anInterruptEndsTheWaitForATurn(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host, LibraryThreads.MAIN)) {
      ContainedFunction next = library.function("next_int32", INT, INT);
      CompletableFuture<Object> hanging = new CompletableFuture<>();
      Thread first = start(hanging, library.function("hang", VOID)::call);
      Patience.until(Patience.seconds(60), () -> NativeWaits.isInCall(first));
      CompletableFuture<Object> second = new CompletableFuture<>();
      Thread waiter = start(second, () -> next.call(1));
      Patience.until(Patience.seconds(60), () -> waiter.getState() == Thread.State.TIMED_WAITING);
      waiter.interrupt();
      assertThatThrownBy(() -> second.get(1, TimeUnit.MINUTES))
          .cause()
          .isInstanceOf(LibraryTurnException.class)
          .hasMessage("interrupted while next_int32 waited for its turn");
      assertThat(library.isAlive()).isTrue();
      assertThat(hanging).isNotDone();
    }
  }
}
