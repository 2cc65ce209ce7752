package io.tproc.it;

import static io.tproc.library.CType.INT;
import static io.tproc.library.CType.LONG;
import static io.tproc.library.CType.POINTER;
import static io.tproc.library.CType.VOID;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.tproc.ExitStatus.Exited;
import io.tproc.ExitStatus.Signalled;
import io.tproc.ResourceLimit;
import io.tproc.TprocHost;
import io.tproc.library.Callback;
import io.tproc.library.ContainedFunction;
import io.tproc.library.ContainedLibrary;
import io.tproc.library.Crash;
import io.tproc.library.LibraryCrashedException;
import io.tproc.library.LibraryInterruptedException;
import io.tproc.library.LibraryThreads;
import io.tproc.library.LibraryTimeoutException;
import io.tproc.library.Signature;
import io.tproc.library.StaleLibraryException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a contained library can do wrong, and what of it reaches Java: an exception. */
@ExtendWith(HostExtension.class)
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class ContainedFaultsIT {
  private static final int SIGSEGV = 11;

  private static ContainedLibrary open(TprocHost host) throws Exception {
    return host.library(Programs.library("contained"));
  }

  private static LibraryCrashedException crash(ContainedFunction function, Object... arguments) {
    return catchThrowableOfType(LibraryCrashedException.class, () -> function.call(arguments));
  }

  @Test
  void aWrongPointer(TprocHost host) throws Exception {
    Resources before = Resources.now();
    try (ContainedLibrary library = open(host)) {
      LibraryCrashedException thrown = crash(library.function("read_at", INT, POINTER), 16L);
      assertThat(thrown.exitStatus()).isEqualTo(new Signalled(SIGSEGV, false));
      Crash crash = thrown.crash().orElseThrow();
      assertThat(crash.signal()).isEqualTo(SIGSEGV);
      assertThat(crash.address()).isEqualTo(OptionalLong.of(16));
      assertThat(crash.owner()).isEqualTo("null pointer");
      assertThat(crash.symbol()).contains("read_at");
      assertThat(crash.file()).endsWith("libcontained.so");
      assertThat(crash.offset()).isPositive();
      assertThat(crash.stackOverflow()).isFalse();
      assertThat(thrown)
          .hasMessageContaining(
              "libcontained.so: read_at did not return: SIGSEGV, accessing 0x10 (null pointer), in read_at+0x");
      assertThat(library.isAlive()).isFalse();
    }
    before.assertAsBefore();
  }

  @ParameterizedTest
  @EnumSource(LibraryThreads.class)
  void theThreadOfACallThatEnds(LibraryThreads threads, TprocHost host) throws Exception {
    try (ContainedLibrary library =
        host.libraryBuilder(Programs.library("contained"))
            .redirectError(Redirect.DISCARD)
            .threads(threads)
            .open()) {
      assertThat(crash(library.function("end_thread", VOID)))
          .hasMessageContaining("end_thread did not return: SIGABRT");
    }
  }

  @Test
  void aJumpPastJava(TprocHost host) throws Exception {
    try (ContainedLibrary library =
        host.libraryBuilder(Programs.library("contained")).redirectError(Redirect.DISCARD).open()) {
      ContainedFunction jump = library.function("jump_back", VOID);
      Callback callback = library.callback(Signature.of(VOID), arguments -> jump.call());
      assertThat(crash(library.function("survive_jump", INT, POINTER), callback))
          .hasMessageContaining("SIGABRT");
    }
  }

  @Test
  void aCppExceptionThatLeaves(TprocHost host) throws Exception {
    Resources before = Resources.now();
    try (ContainedLibrary library =
        host.libraryBuilder(Programs.library("throwing")).redirectError(Redirect.DISCARD).open()) {
      assertThat(library.function("catches", INT, INT).callInt(1)).isEqualTo(-1);
      ContainedFunction leave = library.function("throws_out", INT, INT);
      assertThat(leave.callInt(0)).isZero();
      LibraryCrashedException thrown = crash(leave, 1);
      assertThat(thrown).hasMessageContaining("throws_out did not return: SIGABRT");
      assertThat(thrown.crash().orElseThrow().file()).endsWith("/libthrowing.so");
      library.restart();
      ContainedFunction again = library.function("throws_out", INT, INT);
      Callback callback =
          library.callback(Signature.of(INT, INT), arguments -> again.call(arguments));
      assertThat(crash(library.function("catches_of_callback", INT, POINTER, INT), callback, 2))
          .hasMessageContaining("SIGABRT");
    }
    before.assertAsBefore();
  }

  @Test
  void whatIsClosedOrCannotBeIsRefused(TprocHost host) throws Exception {
    assertThatThrownBy(() -> host.libraryBuilder(""))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("a library without a name");
    try (ContainedLibrary library =
        host.libraryBuilder(Programs.library("contained"))
            .limit(ResourceLimit.OPEN_FILES, 33, 44)
            .open()) {
      Callback callback = library.callback(Signature.of(VOID), arguments -> null);
      callback.close();
      assertThatThrownBy(() -> library.function("survive_jump", INT, POINTER).call(callback))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("the callback is closed");
      assertThat(library.function("getdtablesize", INT).callInt()).isEqualTo(33);
      long text = library.symbol("long_greeting").orElseThrow();
      ByteBuffer readOnly = ByteBuffer.allocateDirect(8).asReadOnlyBuffer();
      assertThatThrownBy(() -> library.read(text, readOnly))
          .isInstanceOf(ReadOnlyBufferException.class);
      assertThat(library.isAlive()).isTrue();
    }
  }

  @Test
  void whoseTheAddressIsThatWasWrittenTo(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host)) {
      long code = library.symbol("read_at").orElseThrow();
      Crash crash = crash(library.function("write_at", VOID, POINTER), code).crash().orElseThrow();
      assertThat(crash.owner()).endsWith("libcontained.so");
      library.restart();
      crash = crash(library.function("call_at", VOID, POINTER), 0x10L).crash().orElseThrow();
      assertThat(crash.file()).isEmpty();
      assertThat(crash.programCounter()).isEqualTo(0x10);
    }
  }

  @Test
  void abortExitAndOtherSignals(TprocHost host) throws Exception {
    try (ContainedLibrary library =
        host.libraryBuilder(Programs.library("contained")).redirectError(Redirect.DISCARD).open()) {
      LibraryCrashedException thrown = crash(library.function("give_up", VOID));
      assertThat(thrown.exitStatus()).isEqualTo(new Signalled(6, false));
      assertThat(thrown).hasMessageContaining("SIGABRT, in give_up+0x");
      Crash aborted = thrown.crash().orElseThrow();
      assertThat(aborted.symbol()).hasValue("give_up"); // not what raises the signal, in libc
      assertThat(aborted.file()).endsWith("/libcontained.so");
      library.restart();
      thrown = crash(library.function("give_up_where_the_stack_ends", VOID));
      assertThat(thrown.exitStatus()).isEqualTo(new Signalled(6, false));
      assertThat(thrown.crash().orElseThrow().file()).containsPattern("/libc[.-]"); // not found
      library.restart();
      thrown = crash(library.function("leave_with", VOID, INT), 7);
      assertThat(thrown.exitStatus()).isEqualTo(new Exited(7));
      assertThat(thrown).hasMessageEndingWith("leave_with did not return: it called exit(7)");
      assertThat(thrown.crash()).isEmpty();
      library.restart();
      thrown = crash(library.function("divide", INT, INT, INT), 1, 0);
      assertThat(thrown.exitStatus()).isEqualTo(new Signalled(8, false));
      library.restart();
      thrown = crash(library.function("raise_signal", VOID, INT), 9);
      assertThat(thrown.exitStatus()).isEqualTo(new Signalled(9, false));
      assertThat(thrown.crash()).isEmpty();
      library.restart();
      thrown = crash(library.function("crash_in_thread", VOID));
      assertThat(thrown.crash().orElseThrow().symbol()).isEmpty(); // a static function's
      library.restart();
      thrown = crash(library.function("crash_after_handlers", VOID));
      assertThat(thrown.exitStatus()).isEqualTo(new Signalled(SIGSEGV, false));
      assertThat(thrown.crash()).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource(LibraryThreads.class)
  void stackOverflow(LibraryThreads threads, TprocHost host) throws Exception {
    try (ContainedLibrary library =
        host.libraryBuilder(Programs.library("contained")).threads(threads).open()) {
      LibraryCrashedException thrown = crash(library.function("overflow_stack", INT));
      assertThat(thrown.crash().orElseThrow().stackOverflow()).isTrue();
      assertThat(thrown).hasMessageContaining("stack overflow");
    }
  }

  @Test
  void handlesOfAnEndedInstanceSayThatTheyAreStale(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host)) {
      ContainedFunction next = library.function("next_int32", INT, INT);
      long address = library.symbol("next_int32").orElseThrow();
      crash(library.function("read_at", INT, POINTER), 1L);
      assertThatThrownBy(() -> library.function(address, Signature.of(INT, INT)))
          .isInstanceOf(StaleLibraryException.class);
      assertThatThrownBy(() -> next.call(1))
          .isInstanceOf(StaleLibraryException.class)
          .hasMessageContaining("next_int32 belongs to an instance of ")
          .hasMessageContaining("SIGSEGV");
      assertThatThrownBy(() -> library.function("next_int32", INT, INT))
          .isInstanceOf(StaleLibraryException.class);
      library.restart();
      assertThatThrownBy(() -> next.call(1)).isInstanceOf(StaleLibraryException.class);
      assertThat(library.function("next_int32", INT, INT).call(1)).isEqualTo(2);
      assertThat(library.function("count", LONG).call()).isEqualTo(1L);
      library.close();
      assertThatThrownBy(() -> library.function("next_int32", INT, INT))
          .isInstanceOf(StaleLibraryException.class)
          .hasMessageContaining("it was closed");
      assertThatThrownBy(library::restart)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("closed");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"hang", "spin_for_ever"})
  void aTimeLimitEndsACallThatDoesNotReturn(String how, TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host)) {
      ContainedFunction hang = library.function(how, VOID).within(Duration.ofMillis(50));
      assertThatThrownBy(hang::call)
          .isInstanceOf(LibraryTimeoutException.class)
          .hasMessageContaining(how + " took longer than PT0.05S");
      library.restart();
      ContainedFunction sleep = library.function("sleep_milliseconds", VOID, INT);
      sleep.within(Duration.ofMinutes(1)).call(20);
      sleep.within(ChronoUnit.FOREVER.getDuration()).call(20);
      assertThat(library.isAlive()).isTrue();
    }
  }

  /** Java code is not cut off, but what it calls in the library is, and the call ends after it. */
  @Test
  void aTimeLimitCountsCallbacks(TprocHost host) throws Exception {
    Duration limit = Patience.seconds(1); // by then the callback that hangs has begun to
    try (ContainedLibrary library = open(host)) {
      Signature ofLong = Signature.of(LONG, LONG);
      ContainedFunction call =
          library.function("call_with", LONG, POINTER, LONG).within(Duration.ofMillis(200));
      CompletableFuture<Object> never = new CompletableFuture<>();
      Callback blocking =
          library.callback(
              ofLong,
              arguments -> {
                assertThatThrownBy(() -> never.get(300, TimeUnit.MILLISECONDS))
                    .isInstanceOf(TimeoutException.class);
                return 1L;
              });
      assertThatThrownBy(() -> call.call(blocking, 1L))
          .isInstanceOf(LibraryTimeoutException.class)
          .hasMessageContaining("libcontained.so: call_with took longer than PT0.2S");
      library.restart();
      ContainedFunction hang = library.function("hang", VOID);
      List<Throwable> inner = new ArrayList<>();
      Callback hanging =
          library.callback(
              ofLong,
              arguments -> {
                try {
                  return hang.call();
                } catch (LibraryCrashedException ended) {
                  inner.add(ended);
                  throw ended;
                }
              });
      assertThatThrownBy(
              () ->
                  library
                      .function("call_with", LONG, POINTER, LONG)
                      .within(limit)
                      .call(hanging, 1L))
          .isInstanceOf(LibraryTimeoutException.class);
      assertThat(inner.get(0))
          .hasMessageContaining("hang did not return: call_with took longer than " + limit);
    }
  }

  @Test
  void aCallbackOfAnEndedInstanceSaysThatItIsStale(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host)) {
      Callback callback = library.callback(Signature.of(VOID), arguments -> null);
      crash(library.function("read_at", INT, POINTER), 1L);
      library.restart();
      assertThatThrownBy(() -> library.function("survive_jump", INT, POINTER).call(callback))
          .isInstanceOf(StaleLibraryException.class)
          .hasMessageContaining("the callback belongs to an instance of")
          .hasMessageContaining("SIGSEGV");
      assertThatThrownBy(callback::address).isInstanceOf(StaleLibraryException.class);
      callback.close();
    }
  }

  @Test
  void anInterruptEndsACallThatDoesNotReturn(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host)) {
      ContainedFunction hang = library.function("hang", VOID);
      CompletableFuture<Boolean> interrupted = new CompletableFuture<>();
      Thread caller =
          new Thread(
              () -> {
                try {
                  hang.call();
                } catch (LibraryInterruptedException expected) {
                  interrupted.complete(Thread.currentThread().isInterrupted());
                } catch (Throwable other) {
                  interrupted.completeExceptionally(other);
                }
              });
      caller.start();
      Patience.until(Patience.seconds(10), () -> NativeWaits.isInCall(caller));
      caller.interrupt();
      assertThat(interrupted.get(1, TimeUnit.MINUTES)).isTrue();
    }
  }

  private static Thread start(CompletableFuture<Object> result, Callable<Object> call) {
    Thread caller =
        new Thread(
            () -> {
              try {
                result.complete(call.call());
              } catch (Throwable ended) {
                result.completeExceptionally(ended);
              }
            });
    caller.start();
    return caller;
  }

  /** A call that does not return, and not one that has yet to start its thread in the library. */
  private static CompletableFuture<Object> startHanging(ContainedLibrary library) {
    CompletableFuture<Object> result = new CompletableFuture<>();
    Thread caller = start(result, library.function("hang", VOID)::call);
    assertThat(Patience.until(Patience.seconds(60), () -> NativeWaits.isInCall(caller))).isTrue();
    return result;
  }

  @Test
  void anInterruptIsKeptWhereItIsNotToEndCalls(TprocHost host) throws Exception {
    try (ContainedLibrary library =
        host.libraryBuilder(Programs.library("contained")).interruptible(false).open()) {
      Thread.currentThread().interrupt();
      library.function("sleep_milliseconds", VOID, INT).call(20);
      assertThat(Thread.interrupted()).isTrue();
    }
  }

  @Test
  void closingEndsACallThatDoesNotReturn(TprocHost host) throws Exception {
    Resources before = Resources.now();
    ContainedLibrary library = open(host);
    CompletableFuture<Object> call = startHanging(library);
    library.close();
    assertThatThrownBy(call::join)
        .isInstanceOf(CompletionException.class)
        .cause()
        .isInstanceOf(LibraryCrashedException.class)
        .hasMessageContaining("it was closed");
    before.assertAsBefore();
  }

  @Test
  void closingTheHostEndsACallThatDoesNotReturn() throws Exception {
    TprocHost host = TprocHost.open();
    ContainedLibrary library = open(host);
    CompletableFuture<Object> call = startHanging(library);
    host.close();
    assertThatThrownBy(call::join)
        .cause()
        .isInstanceOf(LibraryCrashedException.class)
        .hasMessageContaining("hang did not return: its host was closed");
    library.close();
  }

  @Test
  void allCallsUnderWayInAnInstanceEndWithIt(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host)) {
      ContainedFunction hang = library.function("hang", VOID);
      ContainedFunction id = library.function("thread_id", INT);
      CountDownLatch ready = new CountDownLatch(4);
      List<CompletableFuture<Object>> calls = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        CompletableFuture<Object> call = new CompletableFuture<>();
        calls.add(call);
        start(
            call,
            () -> {
              id.call();
              ready.countDown();
              return hang.call();
            });
      }
      ready.await();
      crash(library.function("read_at", INT, POINTER), 1L);
      for (CompletableFuture<Object> call : calls) {
        assertThatThrownBy(() -> call.get(1, TimeUnit.MINUTES))
            .isInstanceOf(ExecutionException.class)
            .cause()
            .isInstanceOfAny(LibraryCrashedException.class, StaleLibraryException.class)
            .hasMessageContaining("SIGSEGV");
      }
    }
  }

  @Test
  void otherLibrariesAndTheirJvmGoOn(TprocHost host) throws Exception {
    try (ContainedLibrary one = open(host);
        ContainedLibrary other = open(host)) {
      ContainedFunction count = other.function("count", LONG);
      assertThat(count.call()).isEqualTo(1L);
      assertThat(one.function("count", LONG).call()).isEqualTo(1L);
      crash(one.function("read_at", INT, POINTER), 1L);
      assertThat(count.call()).isEqualTo(2L);
    }
  }

  @Test
  void whatOnlyLooksBad(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host)) {
      assertThat(library.function("jump_inside", INT, INT).call(5)).isEqualTo(5);
      assertThat(library.function("handle_own_signal", INT).call()).isEqualTo(10);
      assertThat(library.function("close_standard_streams", INT).call()).isEqualTo(0);
      assertThat(library.function("spawn_shell", INT, io.tproc.library.CType.STRING).call("exit 3"))
          .isEqualTo(3 << 8);
      System.out.flush();
      assertThat(library.function("process_id", INT).callLong()).isEqualTo(library.process().pid());
    }
  }

  @ParameterizedTest
  @EnumSource(LibraryThreads.class)
  void aChildReadsTheArgumentsOfTheCallThatForks(LibraryThreads threads, TprocHost host)
      throws Exception {
    try (ContainedLibrary library =
        host.libraryBuilder(Programs.library("contained")).threads(threads).open()) {
      ContainedFunction length =
          library.function("length_in_child", INT, io.tproc.library.CType.STRING);
      assertThat(length.call("hello")).isEqualTo(5);
      assertThat(length.call("x".repeat(200))).isEqualTo(200);
    }
  }

  /** It has a copy of what Java and the library talk through: that nobody answers is said. */
  @Test
  void aChildCannotReachJava(TprocHost host) throws Exception {
    try (ContainedLibrary library =
        host.libraryBuilder(Programs.library("contained")).redirectError(Redirect.DISCARD).open()) {
      Callback callback = library.callback(Signature.of(LONG, LONG), arguments -> 5L);
      assertThat(library.function("call_in_child", INT, POINTER).call(callback)).isEqualTo(-6);
      assertThat(library.function("return_in_child", INT).call()).isEqualTo(-6);
      callback.close();
    }
  }

  @Test
  void memoryInUseIsCounted(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host)) {
      ContainedFunction leak = library.function("leak", POINTER, LONG);
      long before = library.bytesInUse();
      leak.call(10_000_000L);
      leak.call(50_000L);
      assertThat(library.bytesInUse() - before).isBetween(10_050_000L, 10_200_000L);
    }
  }
}
