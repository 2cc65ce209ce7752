package io.tproc.it;

import static io.tproc.library.CType.BYTE;
import static io.tproc.library.CType.DOUBLE;
import static io.tproc.library.CType.FLOAT;
import static io.tproc.library.CType.INT;
import static io.tproc.library.CType.LONG;
import static io.tproc.library.CType.LONG_DOUBLE;
import static io.tproc.library.CType.POINTER;
import static io.tproc.library.CType.STRING;
import static io.tproc.library.CType.UNSIGNED_SHORT;
import static io.tproc.library.CType.VOID;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tproc.TprocHost;
import io.tproc.library.CType;
import io.tproc.library.Callback;
import io.tproc.library.CallbackBody;
import io.tproc.library.ContainedFunction;
import io.tproc.library.ContainedLibrary;
import io.tproc.library.LibraryCrashedException;
import io.tproc.library.LibraryThreads;
import io.tproc.library.Signature;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Function pointers that lead to Java. */
@ExtendWith(HostExtension.class)
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class ContainedCallbacksIT {
  private static final Signature OF_LONG = Signature.of(LONG, LONG);

  private static final CType LARGE = CType.struct(LONG, LONG, LONG, LONG, LONG);

  record Small(int x, float y) {}

  interface OfLong {
    long apply(long value);
  }

  interface OfSmall {
    Small apply(Small value);
  }

  interface Comparison {
    int compare(long left, long right);
  }

  interface Functions {
    long call_with(OfLong function, long value);

    Small call_struct(OfSmall function);

    void qsort(ByteBuffer elements, long count, long size, Comparison comparison);
  }

  private static ContainedLibrary open(TprocHost host) throws Exception {
    return host.library(Programs.library("contained"));
  }

  @Test
  void valuesOfAllTypes(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host)) {
      List<Object> seen = new ArrayList<>();
      CallbackBody body =
          arguments -> {
            seen.addAll(Arrays.asList(arguments));
            return 0.25;
          };
      try (Callback callback =
          library.callback(
              Signature.of(DOUBLE, BYTE, UNSIGNED_SHORT, FLOAT, DOUBLE, POINTER), body)) {
        ContainedFunction call = library.function("call_mixed", DOUBLE, POINTER, POINTER);
        assertThat(call.callDouble(callback, 77L)).isEqualTo(0.25);
        assertThat(seen).containsExactly(-3, 60000, 1.5f, 2.5, 77L);
      }
      try (Callback callback =
          library.callback(Signature.of(LONG, STRING), text -> ((String) text[0]).length())) {
        ContainedFunction length = library.function("length_by", LONG, POINTER, STRING);
        assertThat(length.callLong(callback, "grüß dich")).isEqualTo(9);
        assertThat(length.callLong(callback, "x".repeat(100_000))).isEqualTo(100_000);
      }
    }
  }

  @Test
  void asArgumentsOfAnInterface(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host)) {
      Functions functions = library.as(Functions.class);
      assertThat(functions.call_with(value -> value * 2, 20)).isEqualTo(41);
      assertThat(functions.call_struct(value -> new Small(value.x() + 1, value.y() + 1)))
          .isEqualTo(new Small(4, 5));

      int[] numbers = new Random(1).ints(1000).toArray();
      ByteBuffer memory =
          ByteBuffer.allocateDirect(4 * numbers.length).order(ByteOrder.nativeOrder());
      memory.asIntBuffer().put(numbers);
      functions.qsort(
          memory,
          numbers.length,
          4,
          (left, right) ->
              Integer.compare(host.view(left, 4).getInt(0), host.view(right, 4).getInt(0)));
      Arrays.sort(numbers);
      int[] sorted = new int[numbers.length];
      memory.asIntBuffer().get(sorted);
      assertThat(sorted).isEqualTo(numbers);
    }
  }

  @ParameterizedTest
  @EnumSource(LibraryThreads.class)
  void callbacksThatCallTheLibraryAgain(LibraryThreads threads, TprocHost host) throws Exception {
    try (ContainedLibrary library =
        host.libraryBuilder(Programs.library("contained")).threads(threads).open()) {
      ContainedFunction call = library.function("call_with", LONG, POINTER, LONG);
      ContainedFunction id = library.function("thread_id", INT);
      Set<Integer> ids = new HashSet<>();
      AtomicReference<Callback> self = new AtomicReference<>();
      CallbackBody body =
          arguments -> {
            long level = (long) arguments[0];
            ids.add(id.callInt());
            library.symbol("call_with").orElseThrow();
            return level == 0 ? 0L : call.callLong(self.get(), level - 1);
          };
      try (Callback callback = library.callback(OF_LONG, body)) {
        self.set(callback);
        assertThat(call.callLong(callback, 20L)).isEqualTo(21);
      }
      assertThat(ids).hasSize(1);
    }
  }

  /** What calls the library again writes over what a call has in the lane, if that is not kept. */
  private static Callback scrambling(ContainedLibrary library) {
    ContainedFunction many =
        library.function("next_int64", Signature.of(LONG, LONG, LONG, LONG, LONG, LONG, LONG));
    ContainedFunction fail = library.function("fail_with", INT, INT);
    ContainedFunction greeting = library.function("greeting", STRING);
    CallbackBody body =
        arguments -> {
          assertThat(many.callLong(-2, -3, -4, -5, -6, -7)).isEqualTo(-1);
          assertThat(greeting.call()).isEqualTo("grüß dich");
          assertThat(fail.callInt(7)).isEqualTo(-1);
          assertThat(library.errno()).isEqualTo(7);
          return 0L;
        };
    return library.callback(OF_LONG, body);
  }

  private static List<Long> built(ContainedLibrary library, Callback callback) {
    ContainedFunction build = library.function("build_around", LARGE, POINTER, LONG);
    ByteBuffer bytes = (ByteBuffer) build.call(callback, 10L);
    return LongStream.range(0, 5).mapToObj(i -> bytes.getLong((int) (8 * i))).toList();
  }

  @ParameterizedTest
  @EnumSource(LibraryThreads.class)
  void structsAroundACallbackThatCallsAgain(LibraryThreads threads, TprocHost host)
      throws Exception {
    try (ContainedLibrary library =
            host.libraryBuilder(Programs.library("contained")).threads(threads).open();
        Callback callback = scrambling(library)) {
      assertThat(built(library, callback)).containsExactly(10L, 11L, 12L, 0L, 14L);
      ByteBuffer given = ByteBuffer.allocate(40).order(ByteOrder.nativeOrder());
      LongStream.range(0, 5).forEach(i -> given.putLong((int) (8 * i), 1L << i));
      ContainedFunction sum = library.function("sum_after", LONG, LARGE, POINTER, LONG);
      assertThat(sum.callLong(given, callback, 3L)).isEqualTo(3 * 31);
    }
  }

  @Test
  void otherValuesAroundACallbackThatCallsAgain(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host);
        Callback callback = scrambling(library)) {
      Signature variadic =
          Signature.of(LONG, POINTER, INT, LONG, LONG, LONG, LONG, LONG, LONG).variadicAfter(2);
      assertThat(
              library
                  .function("sum_variadic_after", variadic)
                  .callLong(callback, 6, 1, 2, 3, 4, 5, 6))
          .isEqualTo(21);
      assertThat(library.function("greeting_after", STRING, POINTER).call(callback))
          .isEqualTo("grüß dich");
      assertThat(
              library.function("add_after", LONG_DOUBLE, POINTER, LONG_DOUBLE).call(callback, 2.5))
          .isEqualTo(2.5);
      assertThat(library.function("fail_around", LONG, POINTER, INT).callLong(callback, 5))
          .isZero();
      assertThat(library.errno()).isEqualTo(5);
    }
  }

  @Test
  void structsInCallbacksFromThreadsOfTheLibrary(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host);
        Callback inner = scrambling(library);
        Callback outer =
            library.callback(
                OF_LONG, arguments -> built(library, inner).stream().mapToLong(i -> i).sum())) {
      ContainedFunction call = library.function("call_from_threads", LONG, POINTER, INT);
      assertThat(call.callLong(outer, 4)).isEqualTo(4 * 10 * (10 + 11 + 12 + 14));
    }
  }

  @Test
  void anArgumentThatCallsTheLibrary(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host)) {
      ContainedFunction next = library.function("next_int64", LONG, LONG);
      Number calling =
          new BigDecimal(5) {
            private static final long serialVersionUID = 1L;

            @Override
            public long longValue() {
              return next.callLong(super.longValue());
            }
          };
      Signature signature = Signature.of(LONG, POINTER, INT, LONG, LONG).variadicAfter(2);
      try (Callback callback = library.callback(OF_LONG, arguments -> 0L)) {
        assertThat(
                library
                    .function("sum_variadic_after", signature)
                    .callLong(callback, 2, 1L, calling))
            .isEqualTo(7);
      }
    }
  }

  @Test
  void aCrashWhileAStructIsBuiltIsAnException(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host)) {
      ContainedFunction read = library.function("read_at", INT, POINTER);
      Callback callback = library.callback(OF_LONG, arguments -> read.callLong(1L));
      assertThatThrownBy(() -> built(library, callback))
          .isInstanceOf(LibraryCrashedException.class)
          .hasMessageContaining("build_around did not return: SIGSEGV");
      callback.close();
      library.restart();
      try (Callback again = scrambling(library)) {
        assertThat(built(library, again)).containsExactly(10L, 11L, 12L, 0L, 14L);
      }
    }
  }

  @Test
  void nestedTooDeeplyIsAnException(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host)) {
      ContainedFunction call = library.function("call_with", LONG, POINTER, LONG);
      AtomicReference<Callback> self = new AtomicReference<>();
      try (Callback callback =
          library.callback(OF_LONG, arguments -> call.callLong(self.get(), 1L))) {
        self.set(callback);
        assertThatThrownBy(() -> call.callLong(callback, 1L))
            .isInstanceOfAny(
                IllegalStateException.class,
                LibraryCrashedException.class,
                StackOverflowError.class);
      }
    }
  }

  @Test
  void fromThreadsOfTheLibrary(TprocHost host) throws Exception {
    Resources before = Resources.now();
    try (ContainedLibrary library = open(host)) {
      ContainedFunction call = library.function("call_from_threads", LONG, POINTER, INT);
      ContainedFunction id = library.function("thread_id", INT);
      Set<Integer> ids = ConcurrentHashMap.newKeySet();
      try (Callback callback =
          library.callback(
              OF_LONG,
              arguments -> {
                ids.add(id.callInt());
                return (long) arguments[0] * 2;
              })) {
        for (int round = 0; round < 3; round++) {
          assertThat(call.callLong(callback, 8)).isEqualTo(10 * 2 * (7 * 8 / 2));
        }
        assertThat(ids).hasSize(24);
      }
    }
    before.assertAsBefore();
  }

  /** One that is called once, and has others made in its place. */
  @Test
  void closedInItsOwnBody(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host)) {
      ContainedFunction call = library.function("call_with", LONG, POINTER, LONG);
      AtomicReference<Callback> self = new AtomicReference<>();
      for (long i = 0; i < Patience.scaled(100); i++) {
        List<Callback> others = new ArrayList<>();
        CallbackBody body =
            arguments -> {
              self.get().close();
              for (int j = 0; j < 8; j++) {
                others.add(library.callback(Signature.of(VOID, INT), given -> null));
                others.add(library.callback(Signature.of(DOUBLE, INT), given -> 0.5));
              }
              return 41L;
            };
        self.set(library.callback(OF_LONG, body));
        assertThat(call.callLong(self.get(), i)).isEqualTo(42);
        others.forEach(Callback::close);
      }
    }
  }

  @Test
  void closedByAnotherThreadWhileItRuns(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host)) {
      ContainedFunction call = library.function("call_with", LONG, POINTER, LONG);
      AtomicReference<Callback> self = new AtomicReference<>();
      for (long i = 0; i < Patience.scaled(50); i++) {
        CallbackBody body =
            arguments -> {
              CompletableFuture.runAsync(
                      () -> {
                        self.get().close();
                        for (int j = 0; j < 8; j++) {
                          library.callback(Signature.of(DOUBLE, INT), given -> 0.5);
                        }
                      })
                  .get(1, TimeUnit.MINUTES);
              return 41L;
            };
        self.set(library.callback(OF_LONG, body));
        assertThat(call.callLong(self.get(), i)).isEqualTo(42);
      }
    }
  }

  /** Its thread would wait for ever, and the call with it. */
  @Test
  void aCallbackReturnsAlsoWhenTheLogThrows(TprocHost host) throws Exception {
    Logger logger = Logger.getLogger("io.tproc.library");
    AtomicInteger logged = new AtomicInteger();
    Handler throwing =
        new Handler() {
          @Override
          public void publish(LogRecord record) {
            logged.incrementAndGet();
            throw new IllegalStateException("of a handler's");
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        };
    logger.addHandler(throwing);
    try (ContainedLibrary library = open(host)) {
      CallbackBody failing =
          arguments -> {
            throw new IllegalStateException("of a callback's");
          };
      ContainedFunction call =
          library.function("call_from_threads", LONG, POINTER, INT).within(Patience.seconds(60));
      try (Callback callback = library.callback(OF_LONG, failing)) {
        assertThat(call.callLong(callback, 3)).isZero();
      }
      assertThat(logged).hasValue(30); // each thread calls ten times
    } finally {
      logger.removeHandler(throwing);
    }
  }

  /** Callbacks in callbacks, until their lane has no room left: what is read there has none. */
  @Test
  void textInALaneWithoutRoom(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host)) {
      ContainedFunction call = library.function("call_with", LONG, POINTER, LONG);
      long greeting = library.function("greeting", POINTER).callLong();
      AtomicReference<Callback> self = new AtomicReference<>();
      AtomicInteger depth = new AtomicInteger();
      CallbackBody body =
          arguments -> {
            depth.incrementAndGet();
            try {
              assertThat(library.text(greeting)).isEqualTo("grüß dich");
            } catch (IllegalStateException full) {
              assertThat(full).hasMessageContaining("no room");
              return 0L;
            }
            return call.callLong(self.get(), 0L);
          };
      CompletableFuture<Long> result = new CompletableFuture<>();
      Thread deep =
          new Thread(
              null,
              () -> {
                try (Callback callback = library.callback(OF_LONG, body)) {
                  self.set(callback);
                  result.complete(call.callLong(callback, 0L));
                } catch (Throwable failed) {
                  result.completeExceptionally(failed);
                }
              },
              "deep",
              512L << 20);
      deep.setDaemon(true);
      deep.start();
      assertThat(result.get(2, TimeUnit.MINUTES)).isEqualTo(depth.get());
    }
  }

  /** Each of its threads has two destructors that call back, after a callback from its function. */
  @Test
  void fromDestructorsOfThreads(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host)) {
      ContainedFunction call =
          library.function("call_from_ending_threads", LONG, POINTER, POINTER, INT);
      AtomicInteger ends = new AtomicInteger();
      AtomicInteger wrong = new AtomicInteger();
      try (Callback inside =
              library.callback(
                  OF_LONG,
                  arguments -> {
                    wrong.addAndGet((long) arguments[0] < 32 ? 0 : 1);
                    return (long) arguments[0];
                  });
          Callback atEnd =
              library.callback(
                  OF_LONG,
                  arguments -> {
                    wrong.addAndGet((long) arguments[0] == 7 ? 0 : 1);
                    return (long) ends.incrementAndGet();
                  })) {
        for (int round = 1; round <= 20; round++) {
          assertThat(call.callLong(inside, atEnd, 32)).isEqualTo(10 * (31 * 32 / 2));
          assertThat(ends).hasValue(round * 32 * 2);
        }
        assertThat(wrong).hasValue(0);
      }
    }
  }

  @Test
  void exceptionsOfCallbacks(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host)) {
      ContainedFunction call = library.function("call_with", LONG, POINTER, LONG);
      try (Callback callback =
          library.callback(
              OF_LONG,
              arguments -> {
                throw new java.io.IOException("of a callback");
              })) {
        assertThatThrownBy(() -> call.call(callback, 1L))
            .isInstanceOf(java.io.IOException.class)
            .hasMessage("of a callback");
      }
      try (Callback callback = library.callback(OF_LONG, arguments -> "no number")) {
        assertThatThrownBy(() -> call.call(callback, 1L))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("not a value for int64: no number");
      }
      assertThat(library.function("next_int32", INT, INT).call(1)).isEqualTo(2);
    }
  }

  @Test
  void aCrashInACallOfACallbackReachesTheOuterCallToo(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host)) {
      ContainedFunction call = library.function("call_with", LONG, POINTER, LONG);
      ContainedFunction read = library.function("read_at", INT, POINTER);
      List<Throwable> inner = new ArrayList<>();
      Callback callback =
          library.callback(
              OF_LONG,
              arguments -> {
                try {
                  return read.call(1L);
                } catch (LibraryCrashedException crashed) {
                  inner.add(crashed);
                  throw crashed;
                }
              });
      assertThatThrownBy(() -> call.call(callback, 1L))
          .isInstanceOf(LibraryCrashedException.class)
          .hasMessageContaining("call_with did not return: SIGSEGV")
          .satisfies(thrown -> assertThat(thrown.getSuppressed()).containsExactly(inner.get(0)));
      callback.close();
    }
  }

  @Test
  void callbacksBelongToAnInstance(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host);
        ContainedLibrary other = open(host)) {
      Callback callback = other.callback(OF_LONG, arguments -> arguments[0]);
      ContainedFunction call = library.function("call_with", LONG, POINTER, LONG);
      assertThatThrownBy(() -> call.call(callback, 1L))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("belongs to another instance");
      callback.close();
      callback.close();
    }
  }

  @Test
  void functionsThatTheLibraryGivesTheAddressOf(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host)) {
      long address = library.symbol("next_int64").orElseThrow();
      assertThat(library.function(address, OF_LONG).call(1L)).isEqualTo(2L);
      CType pair = CType.struct(INT, FLOAT);
      assertThat(library.function("count", VOID).call()).isNull();
      assertThat(pair.size()).isEqualTo(8);
    }
  }

  @Test
  void tenThousandCallbacksLeakNothing(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host)) {
      Functions functions = library.as(Functions.class);
      functions.call_with(value -> value, 1);
      long before = library.bytesInUse();
      for (long i = 0; i < Patience.scaled(10_000); i++) {
        assertThat(functions.call_with(value -> value + 1, i)).isEqualTo(i + 2);
      }
      assertThat(library.bytesInUse() - before).isLessThan(20_000);
    }
  }
}
