package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tproc.ExitStatus.Exited;
import io.tproc.ExitStatus.Signalled;
import io.tproc.Signals;
import io.tproc.TprocHost;
import io.tproc.python.PythonException;
import io.tproc.python.PythonFunction;
import io.tproc.python.PythonPool;
import io.tproc.python.PythonPoolBuilder;
import io.tproc.python.PythonStartException;
import io.tproc.worker.WorkerCrashedException;
import io.tproc.worker.WorkerStartException;
import io.tproc.worker.WorkerTimeoutException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Functions of a real Python, called from Java, and what becomes of calls when they do not end. */
@ExtendWith(HostExtension.class)
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class PythonWorkerIT {
  private static final Path PYTHON = Path.of("/usr/bin/python3");

  private static final String MODULE =
      """
      import ctypes, os, sys, time

      kept = []
      at_start = list(sys.argv)

      def same(*values, **named):
          return named if named else values[0] if len(values) == 1 else values

      def double(samples, count=None):
          floats = samples.cast("f")
          for i in range(len(floats) if count is None else count):
              floats[i] *= 2
          return samples

      def part(memory, start, end):
          return {"part": memory[start:end], "all": [memory]}

      def write(memory):
          memory[0] = 1

      def has_numpy():
          import importlib.util
          return importlib.util.find_spec("numpy") is not None

      def numpy_double(samples):
          import numpy
          array = numpy.frombuffer(samples, "f4")
          array *= 2
          return {"half": array[len(array) // 2:], "sum": array.sum(), "count": numpy.int32(len(array)),
                  "all": numpy.all(array > 0), "bytes": numpy.arange(3, dtype="u1")}

      def numpy_new():
          import numpy
          return numpy.zeros(3)

      def fail(what):
          try:
              {}[what]
          except KeyError as missing:
              raise ValueError("no " + what) from missing

      def throw(module, kind):
          raise getattr(__import__(module), kind)("on purpose")

      class Odd(Exception):
          def __str__(self):
              raise RuntimeError("no text")

      def odd():
          raise Odd()

      def wait(gate):
          gate[0] = 1
          while not gate[1]:
              time.sleep(0.001)
          return os.getpid()

      def meet(gate, index):
          gate[index] = 1
          while not all(gate):
              time.sleep(0.001)
          return os.getpid()

      def keep(memory):
          kept.append(memory)

      def use_kept():
          return kept[-1][0]

      def crash(how):
          if how == "null":
              ctypes.string_at(0)
          elif how == "abort":
              os.abort()
          sys.exit(how)

      def deep(depth):
          value = []
          for _ in range(depth - 1):
              value = [value]
          return value

      def endless():
          value = []
          value.append(value)
          return value

      def fork_and_read(memory):
          child = os.fork()
          if child == 0:
              os._exit(memory[0])
          status = os.waitpid(child, 0)[1]
          return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)

      class Place:
          @staticmethod
          def name():
              return sys.prefix, sys.executable, at_start
      """;

  @TempDir static Path modules;

  @BeforeAll
  static void writeModules() throws Exception {
    Files.writeString(modules.resolve("module_of_it.py"), MODULE);
    Files.writeString(modules.resolve("broken_of_it.py"), "import no_such_module_of_it\n");
    Files.writeString(modules.resolve("no_python_of_it.py"), "def f(:\n");
  }

  private static PythonPoolBuilder builder(TprocHost host) {
    assumeTrue(Files.isExecutable(PYTHON), "skipped: there is no " + PYTHON);
    return builder(host, PYTHON);
  }

  private static PythonPoolBuilder builder(TprocHost host, Path program) {
    return host.python(program.toString())
        .path(modules)
        .program(started -> started.environment().put("PYTHONDONTWRITEBYTECODE", "1"))
        .pool(pool -> pool.restarts(Duration.ofMillis(1), Duration.ofMillis(20), 10));
  }

  /** Several interpreters, where this Python can be there several times. */
  private static PythonPool open(PythonPoolBuilder builder) throws Exception {
    try {
      return builder.open();
    } catch (PythonStartException refused) {
      assumeTrue(
          !refused.getMessage().contains("its shared library is missing"),
          () -> "skipped: " + refused.getMessage());
      throw refused;
    }
  }

  private static PythonFunction function(PythonPool pool, String name) {
    return pool.function("module_of_it", name);
  }

  private static ByteBuffer floats(float... values) {
    ByteBuffer buffer =
        ByteBuffer.allocateDirect(Float.BYTES * values.length).order(ByteOrder.nativeOrder());
    buffer.asFloatBuffer().put(values);
    return buffer;
  }

  private static Object result(CompletableFuture<Object> future) throws Exception {
    return future.get(Patience.seconds(60).toSeconds(), TimeUnit.SECONDS);
  }

  private static <T extends Throwable> T failure(Class<T> type, CompletableFuture<Object> future) {
    ExecutionException thrown =
        catchThrowableOfType(ExecutionException.class, () -> result(future));
    assertThat(thrown).as("failure of the future").isNotNull();
    assertThat(thrown.getCause()).isExactlyInstanceOf(type);
    return type.cast(thrown.getCause());
  }

  /**
   * What leaves the interpreter well, or is about its end: one pool for all, which is started once.
   */
  @TestFactory
  Stream<DynamicTest> ofOneInterpreter(TprocHost host) throws Exception {
    PythonPool pool = builder(host).callLimit(Duration.ofHours(1)).open();
    return Stream.of(
            inOne("buffersInPlace", () -> buffersInPlace(pool)),
            inOne("readOnlyBuffersAreSoInPython", () -> readOnlyBuffersAreSoInPython(pool)),
            inOne("arraysOfNumpyInPlace", () -> arraysOfNumpyInPlace(pool)),
            inOne("everyKindOfValue", () -> everyKindOfValue(pool)),
            inOne("whatCannotGoIsNamed", () -> whatCannotGoIsNamed(pool)),
            inOne("exceptionsHaveTheirTraceback", () -> exceptionsHaveTheirTraceback(pool)),
            inOne("whatIsMissingIsNamed", () -> whatIsMissingIsNamed(pool)),
            inOne("memoryThatIsKeptIsReleased", () -> memoryThatIsKeptIsReleased(pool)),
            inOne(
                "forkedChildrenHaveOnlyWhatWasNamed",
                () -> forkedChildrenHaveOnlyWhatWasNamed(host, pool)),
            inOne("crashesAndExits", () -> crashesAndExits(pool)),
            inOne("aCallThatTakesTooLongIsEnded", () -> aCallThatTakesTooLongIsEnded(pool)))
        .onClose(pool::close);
  }

  private static DynamicTest inOne(String name, Executable test) {
    return DynamicTest.dynamicTest(name, test);
  }

  // Values.

  private static void buffersInPlace(PythonPool pool) throws Exception {
    ByteBuffer samples = floats(1, 2, 3, 4);
    assertThat(function(pool, "double").call(samples)).isSameAs(samples);
    assertThat(samples).isEqualTo(floats(2, 4, 6, 8));
    function(pool, "double").withKeyword("count", 1).call(samples.position(4).limit(12));
    assertThat(samples.clear()).isEqualTo(floats(2, 8, 6, 8));

    Map<?, ?> parts = (Map<?, ?>) function(pool, "part").call(samples, 4, 8);
    ByteBuffer part = (ByteBuffer) parts.get("part");
    part.putFloat(0, 5);
    assertThat(samples.getFloat(4)).isEqualTo(5);
    assertThat(((List<?>) parts.get("all")).get(0)).isSameAs(samples);

    ByteBuffer empty = ByteBuffer.allocateDirect(0);
    assertThat(function(pool, "same").call(empty)).isSameAs(empty);
    ByteBuffer nested = floats(7);
    assertThat(function(pool, "same").call(List.of(Map.of("k", nested)), samples))
        .isEqualTo(List.of(List.of(Map.of("k", nested)), samples));
  }

  private static void readOnlyBuffersAreSoInPython(PythonPool pool) throws Exception {
    ByteBuffer samples = floats(1);
    ByteBuffer readOnly = samples.asReadOnlyBuffer();
    assertThatExceptionOfType(PythonException.class)
        .isThrownBy(() -> function(pool, "write").call(readOnly))
        .withMessageContaining("TypeError: cannot modify read-only memory");
    assertThat(samples).isEqualTo(floats(1));
    assertThat(function(pool, "same").call(readOnly)).isSameAs(readOnly);
    function(pool, "write").call(samples);
    assertThat(samples.get(0)).isEqualTo((byte) 1);
  }

  private static void arraysOfNumpyInPlace(PythonPool pool) throws Exception {
    boolean isThere = (boolean) function(pool, "has_numpy").call();
    assumeTrue(isThere, "skipped: this Python has no NumPy");
    ByteBuffer samples = floats(1, 2, 3, 4);
    Map<?, ?> answer = (Map<?, ?>) function(pool, "numpy_double").call(samples);
    assertThat(samples).isEqualTo(floats(2, 4, 6, 8));
    ByteBuffer half = (ByteBuffer) answer.get("half");
    half.putFloat(0, 60);
    assertThat(samples.getFloat(8)).isEqualTo(60);
    assertThat(answer.get("sum")).isEqualTo(20.0);
    assertThat(answer.get("count")).isEqualTo(4L);
    assertThat(answer.get("all")).isEqualTo(true);
    assertThat((byte[]) answer.get("bytes")).containsExactly(0, 1, 2);
    assertRefused(function(pool, "numpy_new"), "a numpy.ndarray that is in none of the caller's");
  }

  private static void everyKindOfValue(PythonPool pool) throws Exception {
    Map<Object, Object> map = new LinkedHashMap<>();
    map.put(null, Arrays.asList(null, true, false));
    map.put("text", "a\u00e9\ud83d\ude00\0 \ud800 alone");
    map.put(Long.MIN_VALUE, BigInteger.TEN.pow(5000).negate());
    map.put(2.5, List.of(Double.POSITIVE_INFINITY, -0.0, Double.NaN, Double.MIN_VALUE));
    map.put(false, Map.of());
    PythonFunction same = function(pool, "same");
    assertThat(same.call(map)).isEqualTo(map);
    assertThat(same.call(1, (byte) 2, (short) 3, 4f)).isEqualTo(List.of(1L, 2L, 3L, 4.0));
    assertThat(same.call((Object) null)).isNull();
    assertThat(same.call()).isEqualTo(List.of());
    assertThat((byte[]) same.call(new byte[] {1, -1})).containsExactly(1, -1);
    byte[] large = new byte[3_000_000];
    large[2_999_999] = 9;
    assertThat((byte[]) same.call(large)).isEqualTo(large);
    Map<?, ?> named = (Map<?, ?>) same.withKeyword("a", 1).withKeyword("b", null).call();
    assertThat(named.get("a")).isEqualTo(1L);
    assertThat(named.containsKey("b")).isTrue();
  }

  private static void whatCannotGoIsNamed(PythonPool pool) throws Exception {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> function(pool, "same").call(1, List.of(Set.of())))
        .withMessageStartingWith("argument 2[0]: a java.util.Immutable");
    assertRefused(pool.function("builtins", "set"), "TypeError: result: a value of type set");
    assertRefused(pool.function("builtins", "iter"), "list_iterator cannot go to Java", List.of());
    assertRefused(function(pool, "endless"), "ValueError: result[0][0]");
    assertRefused(function(pool, "deep"), "deeper than 100", 101);
    assertThat(function(pool, "deep").call(100)).isInstanceOf(List.class);
    assertThatExceptionOfType(PythonException.class)
        .isThrownBy(() -> function(pool, "same").call(Map.of(1, "a", true, "b")))
        .withMessageContaining("cannot read the arguments: ValueError: two keys of a map");
  }

  private static void assertRefused(PythonFunction function, String message, Object... arguments) {
    assertThatExceptionOfType(PythonException.class)
        .isThrownBy(() -> function.call(arguments))
        .withMessageStartingWith("cannot send the result of ")
        .withMessageContaining(message);
  }

  @Test
  void segmentsInPlace(@TempDir Path directory) throws Exception {
    assumeTrue(Files.isExecutable(PYTHON), "skipped: there is no " + PYTHON);
    ForeignSource.run(directory, "PythonSegments", PYTHON.toString());
  }

  @Test
  void thePythonSide() throws Exception {
    Path tests = Path.of("../libtproc-python/test/calls.py").toAbsolutePath().normalize();
    assumeTrue(Files.exists(tests), "skipped: the Python package is not here");
    assumeTrue(Files.isExecutable(PYTHON), "skipped: there is no " + PYTHON);
    ProcessBuilder python = new ProcessBuilder(PYTHON.toString(), "-B", tests.toString());
    Path library = Path.of(Programs.cli()).getParent().resolveSibling("lib/libtproc.so");
    python.environment().put("TPROC_LIBRARY", library.toAbsolutePath().toString());
    python.environment().put("PYTHONPATH", tests.getParent().getParent().toString());
    Outcome outcome = Outcome.of(python.start(), "");
    assertThat(outcome.exitValue).as(outcome.toString()).isZero();
    assertThat(outcome.error()).contains("OK").doesNotContain("Ran 0");
  }

  // Exceptions.

  private static void exceptionsHaveTheirTraceback(PythonPool pool) throws Exception {
    PythonException thrown =
        catchThrowableOfType(
            PythonException.class, () -> function(pool, "fail").call("such \u00e4 thing"));
    assertThat(thrown)
        .hasMessage("cannot call module_of_it.fail: ValueError: no such \u00e4 thing");
    assertThat(thrown.type()).isEqualTo("ValueError");
    assertThat(thrown.pythonMessage()).isEqualTo("no such \u00e4 thing");
    assertThat(thrown.traceback())
        .contains("Traceback (most recent call last)")
        .contains("module_of_it.py\", line ")
        .contains("KeyError: 'such \u00e4 thing'")
        .contains("raise ValueError(\"no \" + what) from missing")
        .endsWith("ValueError: no such \u00e4 thing\n")
        .doesNotContain("calls.py");
    assertThat(thrown.getStackTrace()[0].getClassName()).startsWith("io.tproc.python.");
    assertThat(Arrays.stream(thrown.getStackTrace()).map(StackTraceElement::getMethodName))
        .contains("exceptionsHaveTheirTraceback", "call");
    assertThat(failure(PythonException.class, function(pool, "odd").submit()))
        .hasMessage(
            "cannot call module_of_it.odd: module_of_it.Odd: its message cannot be had: RuntimeError");
    for (String kind : List.of("KeyboardInterrupt", "GeneratorExit")) {
      assertNoEnd(pool, "builtins", kind, kind);
    }
    assertNoEnd(pool, "asyncio", "CancelledError", "asyncio.exceptions.CancelledError");
    assertThat(function(pool, "same").call("still")).isEqualTo("still");
  }

  /** What is no Exception is one in Java all the same. */
  private static void assertNoEnd(PythonPool pool, String module, String kind, String name) {
    PythonException thrown =
        catchThrowableOfType(
            PythonException.class, () -> function(pool, "throw").call(module, kind));
    assertThat(thrown).hasMessage("cannot call module_of_it.throw: " + name + ": on purpose");
    assertThat(thrown.traceback()).contains("module_of_it.py\", line ").doesNotContain("calls.py");
  }

  private static void assertFails(PythonFunction function, String message) {
    assertThatExceptionOfType(PythonException.class)
        .isThrownBy(() -> function.call())
        .withMessageStartingWith(message);
  }

  private static void whatIsMissingIsNamed(PythonPool pool) throws Exception {
    assertFails(
        pool.function("no_such.module", "f"), "cannot import no_such.module: ModuleNotFoundError");
    assertFails(
        pool.function("broken_of_it", "f"),
        "cannot import broken_of_it: ModuleNotFoundError: No module named 'no_such_module_of_it'");
    assertFails(
        pool.function("no_python_of_it", "f"), "cannot import no_python_of_it: SyntaxError: ");
    assertFails(pool.function("", "f"), "cannot import : ValueError");
    assertFails(function(pool, "none"), "cannot find none in module_of_it: AttributeError");
    assertFails(
        function(pool, "kept"), "cannot find kept in module_of_it: TypeError: a list cannot be");
    assertFails(function(pool, "fail"), "cannot call module_of_it.fail: TypeError");
    List<?> place = (List<?>) function(pool, "Place.name").call();
    assertThat(place.get(2)).isEqualTo(List.of("-c"));
  }

  private static void memoryThatIsKeptIsReleased(PythonPool pool) throws Exception {
    for (ByteBuffer buffer : List.of(floats(1), floats(1).asReadOnlyBuffer())) {
      function(pool, "keep").call(buffer);
      assertThatExceptionOfType(PythonException.class)
          .isThrownBy(() -> function(pool, "use_kept").call())
          .withMessageContaining("ValueError: operation forbidden on released memoryview");
    }
  }

  private static void forkedChildrenHaveOnlyWhatWasNamed(TprocHost host, PythonPool pool)
      throws Exception {
    ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 20).put(0, (byte) 7);
    assertThat(function(pool, "fork_and_read").call(buffer)).isEqualTo(-11L);
    host.keepInForks(host.addressOf(buffer), buffer.capacity());
    assertThat(function(pool, "fork_and_read").call(buffer)).isEqualTo(7L);
  }

  // Interpreters.

  @Test
  void interpretersRunInParallel(TprocHost host) throws Exception {
    ByteBuffer gate = ByteBuffer.allocateDirect(4);
    try (PythonPool pool = open(builder(host).count(4))) {
      List<CompletableFuture<Object>> meeting = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        meeting.add(function(pool, "meet").submit(gate, i));
      }
      Set<Object> pids = new HashSet<>();
      for (CompletableFuture<Object> each : meeting) {
        pids.add(result(each));
      }
      assertThat(pids).hasSize(4);
      assertThat(pool.workers()).hasSize(4);
    }
  }

  private static void awaitGate(ByteBuffer gate) {
    assertThat(Patience.until(Patience.seconds(60), () -> gate.get(0) != 0)).isTrue();
  }

  @Test
  void oneIsKilledInTheMiddle(TprocHost host) throws Exception {
    ByteBuffer gate = ByteBuffer.allocateDirect(2);
    ByteBuffer other = ByteBuffer.allocateDirect(2);
    try (PythonPool pool = open(builder(host).count(2))) {
      CompletableFuture<Object> killed = function(pool, "wait").submit(gate);
      awaitGate(gate);
      CompletableFuture<Object> goesOn = function(pool, "wait").submit(other);
      awaitGate(other);
      other.put(1, (byte) 1);
      long pid = (long) result(goesOn);
      assertThat(pool.workers()).anyMatch(worker -> worker.pid() == pid);
      pool.workers().stream()
          .filter(worker -> worker.pid() != pid)
          .forEach(worker -> worker.destroyForcibly());
      WorkerCrashedException crashed = failure(WorkerCrashedException.class, killed);
      assertThat(crashed.exitStatus()).isEqualTo(new Signalled(Signals.SIGKILL, false));
      assertThat(crashed.pid()).isNotEqualTo(pid);
      assertThat(function(pool, "same").call(1)).isEqualTo(1L);
    }
  }

  private static void crashesAndExits(PythonPool pool) throws Exception {
    Map<Object, Object> ends =
        Map.of(
            "null",
            new Signalled(Signals.SIGSEGV, false),
            "abort",
            new Signalled(Signals.SIGABRT, false),
            7,
            new Exited(7));
    for (Map.Entry<Object, Object> each : ends.entrySet()) {
      WorkerCrashedException crashed =
          catchThrowableOfType(
              WorkerCrashedException.class, () -> function(pool, "crash").call(each.getKey()));
      assertThat(crashed.exitStatus()).isEqualTo(each.getValue());
      assertThat(crashed).hasMessageStartingWith(PYTHON + " (pid " + crashed.pid() + ") ");
      assertThat(function(pool, "same").call("again")).isEqualTo("again");
    }
  }

  @Test
  void theOthersGoOn(TprocHost host) throws Exception {
    int calls = 40;
    List<CompletableFuture<Object>> futures = new ArrayList<>();
    List<ByteBuffer> buffers = new ArrayList<>();
    try (PythonPool pool = open(builder(host).count(2))) {
      for (int i = 0; i < calls; i++) {
        buffers.add(floats(i));
        futures.add(
            i % 8 == 3
                ? function(pool, "crash").submit("null")
                : function(pool, "double").submit(buffers.get(i)));
      }
      for (int i = 0; i < calls; i++) {
        if (i % 8 == 3) {
          failure(WorkerCrashedException.class, futures.get(i));
        } else {
          assertThat(result(futures.get(i))).isSameAs(buffers.get(i));
          assertThat(buffers.get(i)).isEqualTo(floats(2 * i));
        }
      }
    }
  }

  private static void aCallThatTakesTooLongIsEnded(PythonPool pool) throws Exception {
    ByteBuffer gate = ByteBuffer.allocateDirect(2);
    PythonFunction wait = function(pool, "wait").within(Duration.ofMillis(200));
    assertThatExceptionOfType(WorkerTimeoutException.class).isThrownBy(() -> wait.call(gate));
    assertThat(function(pool, "same").call(2)).isEqualTo(2L);
  }

  @Test
  void aCallCanBeCancelledAndInterrupted(TprocHost host) throws Exception {
    ByteBuffer gate = ByteBuffer.allocateDirect(2);
    try (PythonPool pool = builder(host).pool(workers -> workers.queue(1)).open()) {
      CompletableFuture<Object> first = function(pool, "wait").submit(gate);
      CompletableFuture<Object> waiting = function(pool, "same").submit(1);
      assertThat(function(pool, "same").trySubmit(2)).isEmpty();
      waiting.cancel(false);
      Optional<CompletableFuture<Object>> next = function(pool, "same").trySubmit(3);
      assertThat(next).isPresent();
      next.orElseThrow().cancel(false);
      AtomicReference<Throwable> thrown = new AtomicReference<>();
      CountDownLatch begun = new CountDownLatch(1);
      Thread caller =
          new Thread(
              () -> {
                begun.countDown();
                thrown.set(catchThrowable(() -> function(pool, "same").call(4)));
              });
      caller.start();
      begun.await();
      caller.interrupt();
      caller.join(Patience.seconds(60).toMillis());
      assertThat(thrown.get()).isInstanceOf(InterruptedException.class);
      gate.put(1, (byte) 1);
      assertThat(result(first)).isInstanceOf(Long.class);
      assertThat(function(pool, "same").call(5)).isEqualTo(5L);
    }
  }

  // Which Python.

  @Test
  void aVirtualEnvironment(TprocHost host, @TempDir Path directory) throws Exception {
    assumeTrue(Files.isExecutable(PYTHON), "skipped: there is no " + PYTHON);
    Path place = directory.resolve("venv");
    Process made =
        new ProcessBuilder(PYTHON.toString(), "-m", "venv", "--without-pip", place.toString())
            .redirectErrorStream(true)
            .start();
    Outcome outcome = Outcome.of(made, "");
    assumeTrue(outcome.exitValue == 0, () -> "skipped: no venv can be made: " + outcome);
    try (PythonPool pool = builder(host, place.resolve("bin/python3")).open()) {
      assertThat(pool.executable()).isEqualTo(place.resolve("bin/python3"));
      List<?> answer = (List<?>) function(pool, "Place.name").call();
      assertThat(answer.get(0)).isEqualTo(place.toString());
      assertThat(answer.get(1)).isEqualTo(place.resolve("bin/python3").toString());
    }
  }

  @Test
  void aScriptThatLeadsToPython(TprocHost host, @TempDir Path directory) throws Exception {
    assumeTrue(Files.isExecutable(PYTHON), "skipped: there is no " + PYTHON);
    Path script = directory.resolve("python");
    Files.writeString(script, "#!/bin/sh\nexec " + PYTHON + " \"$@\"\n");
    assertThat(script.toFile().setExecutable(true)).isTrue();
    try (PythonPool pool = builder(host, script).open()) {
      assertThat(pool.executable()).isEqualTo(PYTHON);
      assertThat(pool.version()).startsWith("3.");
      assertThat(function(pool, "same").call(pool.version())).isEqualTo(pool.version());
    }
  }

  /** Where its shared library is missing: a script in front of it says so. */
  @Test
  void oneAtFixedAddresses(TprocHost host, @TempDir Path directory) throws Exception {
    assumeTrue(
        Files.isExecutable(PYTHON) && !Programs.isHostable(PYTHON),
        "skipped: there is no " + PYTHON + " that has fixed addresses, as Debian's has");
    String hides = "import sys, sysconfig; sysconfig.get_config_var = lambda name: None; ";
    Path script = directory.resolve("python");
    Files.writeString(
        script, "#!/bin/sh\nexec " + PYTHON + " -c '" + hides + "exec(sys.argv[1])' \"$2\"\n");
    assertThat(script.toFile().setExecutable(true)).isTrue();
    assertThatExceptionOfType(PythonStartException.class)
        .isThrownBy(() -> builder(host, script).count(2).open())
        .withMessageContaining("a program for fixed addresses, of which a host runs one at a time");
    try (PythonPool pool = builder(host, script).open()) {
      ByteBuffer samples = floats(1, 2);
      assertThat(function(pool, "double").call(samples)).isSameAs(samples);
      assertThat(samples).isEqualTo(floats(2, 4));
      assertThatExceptionOfType(WorkerCrashedException.class)
          .isThrownBy(() -> function(pool, "crash").call("null"));
      assertThat(function(pool, "same").call("again")).isEqualTo("again");
    }
  }

  @Test
  void whatIsNoPythonIsRefused(TprocHost host) throws Exception {
    Resources before = Resources.now();
    assertThatExceptionOfType(PythonStartException.class)
        .isThrownBy(() -> host.python("/no/such/python3").open())
        .withMessageStartingWith("cannot use /no/such/python3 as Python: ");
    assertThatExceptionOfType(PythonStartException.class)
        .isThrownBy(() -> host.python(Programs.nothing()).open())
        .withMessageContaining("it does not answer as Python does");
    before.assertAsBefore();
  }

  @Test
  void onesThatCannotStartAreReported(TprocHost host) throws Exception {
    PythonPoolBuilder builder =
        builder(host)
            .program(started -> started.environment().put("TPROC_LIBRARY", "/no/such/libtproc.so"))
            .program(started -> started.redirectError(ProcessBuilder.Redirect.DISCARD));
    Resources before = Resources.now();
    assertThatExceptionOfType(WorkerStartException.class)
        .isThrownBy(builder::open)
        .withMessageStartingWith(PYTHON + " (pid ")
        .withMessageContaining("ended before it served: it called exit(1)");
    before.assertAsBefore();
  }

  // Closing.

  @Test
  void nothingIsLeft(TprocHost host) throws Exception {
    try (PythonPool pool = builder(host).open()) {
      function(pool, "same").call(1);
    }
    Resources before = Resources.now();
    for (int i = 0; i < 3; i++) {
      ByteBuffer gate = ByteBuffer.allocateDirect(2);
      PythonPool pool = builder(host).open();
      function(pool, "double").call(floats(1, 2));
      CompletableFuture<Object> hanging = function(pool, "wait").submit(gate);
      awaitGate(gate);
      pool.close(Duration.ZERO);
      failure(WorkerCrashedException.class, hanging);
      assertThatIllegalStateException().isThrownBy(() -> function(pool, "same").call(1));
    }
    before.assertAsBefore();
  }
}
