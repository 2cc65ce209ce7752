package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tproc.Signals;
import io.tproc.TprocHost;
import io.tproc.arrow.ArrowPool;
import io.tproc.arrow.ArrowResult;
import io.tproc.worker.WorkerCrashedException;
import io.tproc.worker.WorkerFailedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.Float8Vector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.compare.VectorEqualsVisitor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * As {@link ArrowIT}, with programs in Python: with NumPy, without it, and with pyarrow where that
 * is installed.
 */
@ExtendWith(HostExtension.class)
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class ArrowPythonIT {
  private static final Path PACKAGE = Path.of("../libtproc-python").toAbsolutePath().normalize();
  private static final String PYTHON = "/usr/bin/python3";

  // What test/arrow.py does.
  private static final int COMPUTE = 1;
  private static final int KEEP = 3;
  private static final int LET_GO = 4;
  private static final int FAIL = 5;
  private static final int KEEP_AND_FAIL = 6;
  private static final int ABORT = 7;
  private static final int OVERFLOW = 9;
  private static final int NOTHING = 11;
  private static final int ECHO = 12;
  private static final int WITH_PYARROW = 13;
  private static final int KEEP_WITH_PYARROW = 14;
  private static final int LENGTHS = 15;
  private static final int MIXED = 16;
  private static final int LATE = 17;
  private static final int NUMBER = 18;

  private static void assumePython(String module) throws Exception {
    assumeTrue(Files.exists(PACKAGE), "skipped: the Python package is not here");
    assumeTrue(Files.isExecutable(Path.of(PYTHON)), "skipped: there is no " + PYTHON);
    if (!module.isEmpty()) {
      Outcome found = Outcome.natively(List.of(PYTHON, "-c", "import " + module));
      assumeTrue(found.exitValue == 0, "skipped: " + PYTHON + " has no " + module);
    }
  }

  /** Of one worker: Debian's python3 is for fixed addresses, which one has at a time. */
  private static ArrowPool open(
      TprocHost host, BufferAllocator allocator, String without, String... arguments)
      throws Exception {
    List<String> command = new ArrayList<>(List.of(PYTHON, PACKAGE + "/test/arrow.py"));
    command.addAll(List.of(arguments));
    return open(host, allocator, without, command);
  }

  private static ArrowPool open(
      TprocHost host, BufferAllocator allocator, String without, List<String> command)
      throws Exception {
    String more = System.getenv().getOrDefault("PYTHONPATH", "");
    Path library = Path.of(Programs.cli()).getParent().resolveSibling("lib/libtproc.so");
    return ArrowPool.open(
        host,
        host.workers(command.toArray(String[]::new))
            .program(
                program -> {
                  program.environment().put("PYTHONPATH", PACKAGE + ":" + more);
                  program.environment().put("PYTHONDONTWRITEBYTECODE", "1");
                  program.environment().put("TPROC_LIBRARY", library.toAbsolutePath().toString());
                  program.environment().put("TPROC_TEST_WITHOUT", without);
                }),
        allocator);
  }

  /** Several of Debian's python3, with the package that is in tproc-api.jar. */
  @Test
  void pythonFindsThePackageAndCanBeHostedSeveralTimes(TprocHost host, @TempDir Path directory)
      throws Exception {
    assumePython("");
    Path script = directory.resolve("worker.py");
    Files.writeString(
        script,
        """
        import os, sys, tproc.arrow

        def answer(batch):
            return {"pid": [os.getpid()], "argument": sys.argv[1:], "other": [os.environ["PYTHONPATH"][-6:]]}

        tproc.arrow.serve(answer)
        """);
    try (BufferAllocator allocator = new RootAllocator();
        ArrowPool pool =
            ArrowPool.open(
                host,
                host.python(PYTHON)
                    .count(2)
                    .program(program -> program.environment().put("PYTHONPATH", "/other"))
                    .workers(script.toString(), "given"),
                allocator)) {
      assertThat(pool.workers().workers()).hasSize(2);
      Set<Object> pids = new HashSet<>();
      pool.workers().workers().forEach(each -> pids.add(each.pid()));
      assertThat(pids).hasSize(2);
      try (ArrowResult result = ask(pool, allocator, NOTHING, 1)) {
        assertThat(result.root().getVector("pid").getObject(0)).isIn(pids);
        assertThat(result.root().getVector("argument").getObject(0)).hasToString("given");
        assertThat(result.root().getVector("other").getObject(0)).hasToString("/other");
      }
    }
  }

  private static ArrowResult ask(ArrowPool pool, BufferAllocator allocator, int what, int rows)
      throws Exception {
    try (VectorSchemaRoot batch = ArrowIT.command(allocator, what, rows)) {
      return result(pool.submit(batch));
    }
  }

  private static ArrowResult result(CompletableFuture<ArrowResult> future) throws Exception {
    return future.get(Patience.seconds(60).toSeconds(), TimeUnit.SECONDS);
  }

  private static Throwable failure(ArrowPool pool, BufferAllocator allocator, int what) {
    Throwable thrown = catchThrowable(() -> ask(pool, allocator, what, 10).close());
    assertThat(thrown).isInstanceOf(ExecutionException.class);
    return thrown.getCause();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "numpy"})
  void pythonComputesInPlace(String without, TprocHost host) throws Exception {
    assumePython(without.isEmpty() ? "numpy" : "");
    long before = ArrowIT.blocksOfHost(host);
    try (BufferAllocator allocator = new RootAllocator();
        ArrowPool pool = open(host, allocator, without)) {
      try (VectorSchemaRoot batch = ArrowIT.command(allocator, COMPUTE, 10_000);
          ArrowResult back = result(pool.submit(batch))) {
        ArrowIT.checkComputed(back.root(), 10_000);
        Float8Vector was = (Float8Vector) back.root().getVector("was");
        Float8Vector sent = (Float8Vector) batch.getVector("x");
        assertThat(was.getDataBufferAddress()).isEqualTo(sent.getDataBufferAddress());
      }
      assertThat(pool.lentBatches()).isZero();
      try (ArrowResult back = ask(pool, allocator, OVERFLOW, 1000)) {
        assertThat(((IntVector) back.root().getVector("first")).get(999)).isEqualTo(999);
        assertThat(((Float8Vector) back.root().getVector("second")).get(999)).isEqualTo(499.5);
      }
      try (ArrowResult back = ask(pool, allocator, NOTHING, 1)) {
        assertThat(back.root().getFieldVectors()).isEmpty();
      }
    }
    assertThat(ArrowIT.blocksOfHost(host)).isEqualTo(before);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "numpy"})
  void everyTypeGoesThereAndBackInPlace(String without, TprocHost host) throws Exception {
    assumePython(without.isEmpty() ? "numpy" : "");
    try (BufferAllocator allocator = new RootAllocator();
        ArrowPool pool = open(host, allocator, without);
        ArrowBatches batches = new ArrowBatches(allocator);
        ArrowResult back = result(pool.submit(batches.root(), batches.dictionaries()))) {
      List<FieldVector> sent = batches.root().getFieldVectors();
      assertThat(back.root().getFieldVectors()).hasSameSizeAs(sent);
      for (int i = 0; i < sent.size(); i++) {
        FieldVector received = back.root().getVector(i);
        assertThat(received.getField().getType()).isEqualTo(sent.get(i).getField().getType());
        assertThat(received.getField().getMetadata())
            .isEqualTo(sent.get(i).getField().getMetadata());
        assertThat(VectorEqualsVisitor.vectorEquals(sent.get(i), received, (one, other) -> true))
            .as(sent.get(i).toString())
            .isTrue();
        if (sent.get(i).getFieldBuffers().size() > 1) {
          assertThat(received.getFieldBuffers().get(1).memoryAddress())
              .isEqualTo(sent.get(i).getFieldBuffers().get(1).memoryAddress());
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "numpy"})
  void pythonReadsEveryType(String without, TprocHost host) throws Exception {
    assumePython(without.isEmpty() ? "numpy" : "");
    try (BufferAllocator allocator = new RootAllocator();
        ArrowPool pool = open(host, allocator, without, "types");
        ArrowBatches batches = new ArrowBatches(allocator);
        ArrowResult back = result(pool.submit(batches.root(), batches.dictionaries()))) {
      assertThat(ArrowIT.texts(back.root().getVector("text")))
          .contains(
              "signed8=[1, None, 3]",
              "unsigned64=[1, None, 3]",
              "bool=[True, None, False]",
              "utf8=['', None, 'a texta text']",
              "large binary=[b'', None, b'a texta text']",
              "null=[None, None, None]",
              "date DAY=[1, None, 3]",
              "timestamp of a zone NANOSECOND=[1, None, 3]",
              "fixed=[b'\\x01\\x00\\x00\\x00\\x00', None, b'\\x03\\x00\\x00\\x00\\x00']",
              "lists=[[1, 2, 3], None, []]",
              "records=[{'name': 'a', 'age': 0}, None, {'name': 'ccc', 'age': 2}]",
              "words=['one', 'two', 'one']");
    }
  }

  @Test
  void whatPythonKeepsIsReleasedOnce(TprocHost host) throws Exception {
    assumePython("");
    try (BufferAllocator allocator = new RootAllocator();
        ArrowPool pool = open(host, allocator, "")) {
      ask(pool, allocator, KEEP, 10).close();
      assertThat(failure(pool, allocator, KEEP_AND_FAIL))
          .isInstanceOf(WorkerFailedException.class)
          .hasMessageContaining("RuntimeError: it keeps them");
      assertThat(pool.lentBatches()).isEqualTo(2);
      ask(pool, allocator, LET_GO, 1).close();
      ArrowIT.awaitNothingLent(pool);
      assertThat(failure(pool, allocator, FAIL)).hasMessageContaining("as it was told");
      ArrowIT.awaitNothingLent(pool);
      ask(pool, allocator, KEEP, 10).close();
      pool.workers().workers().get(0).signal(Signals.SIGKILL);
      ArrowIT.awaitNothingLent(pool);
      assertThat(failure(pool, allocator, ABORT)).isInstanceOf(WorkerCrashedException.class);
      assertThat(pool.lentBatches()).isZero();
      assertThat(allocator.getAllocatedMemory()).isZero();
    }
  }

  @Test
  void whatCannotGoToJavaIsNamed(TprocHost host) throws Exception {
    assumePython("");
    try (BufferAllocator allocator = new RootAllocator();
        ArrowPool pool = open(host, allocator, "")) {
      assertThat(failure(pool, allocator, LENGTHS))
          .hasMessageContaining("columns of different lengths: 'a' 1, 'b' 2");
      assertThat(failure(pool, allocator, MIXED))
          .hasMessageContaining("column 'c': a list of int, str");
      assertThat(failure(pool, allocator, NUMBER)).hasMessageContaining("or None, not with int");
      ask(pool, allocator, LATE, 1).close();
      try (ArrowResult back = ask(pool, allocator, LATE, 1)) {
        assertThat(back.root().getVector("text").getObject(0))
            .hasToString("the batch has been released");
      }
      try (ArrowResult back = ask(pool, allocator, ECHO, 7)) {
        assertThat(back.root().getRowCount()).isEqualTo(7);
      }
      ArrowIT.awaitNothingLent(pool);
    }
  }

  @Test
  void theDocumentsExampleWorks(TprocHost host, @TempDir Path directory) throws Exception {
    assumePython("numpy");
    Path root = PACKAGE.getParent();
    assumeTrue(Files.exists(root.resolve("docs/arrow.md")), "skipped: the documents are not here");
    Snippet example =
        Snippet.of(root, Path.of("docs/arrow.md")).stream()
            .filter(each -> each.language().equals("python"))
            .findFirst()
            .orElseThrow();
    Path script = Files.writeString(directory.resolve("totals.py"), example.text());
    try (BufferAllocator allocator = new RootAllocator();
        ArrowPool pool = open(host, allocator, "", List.of(PYTHON, script.toString()));
        Float8Vector price = new Float8Vector("price", allocator);
        IntVector count = new IntVector("count", allocator);
        VectorSchemaRoot batch = new VectorSchemaRoot(List.<FieldVector>of(price, count))) {
      price.setSafe(0, 1.25);
      count.setSafe(0, 4);
      batch.setRowCount(1);
      try (ArrowResult back = result(pool.submit(batch))) {
        assertThat(back.root().contentToTSVString()).isEqualTo("total\tprice\n5.0\t1.25\n");
      }
    }
  }

  @Test
  void pyarrowWorksInPlace(TprocHost host) throws Exception {
    assumePython("pyarrow");
    try (BufferAllocator allocator = new RootAllocator();
        ArrowPool pool = open(host, allocator, "")) {
      try (VectorSchemaRoot batch = ArrowIT.command(allocator, WITH_PYARROW, 3);
          ArrowResult back = result(pool.submit(batch))) {
        VectorSchemaRoot root = back.root();
        Float8Vector was = (Float8Vector) root.getVector("was");
        assertThat(was.getDataBufferAddress())
            .isEqualTo(((Float8Vector) batch.getVector("x")).getDataBufferAddress());
        assertThat(((Float8Vector) root.getVector("twice")).getObject(2)).isEqualTo(0.0);
        assertThat(ArrowIT.texts(root.getVector("sliced"))).containsExactly("null", "ccc", "d");
        assertThat(ArrowIT.texts(root.getVector("nested")))
            .containsExactly("{\"n\":[2,null]}", "{\"n\":[3,null]}", "{\"n\":[4,null]}");
        assertThat(ArrowIT.texts(root.getVector("words"))).containsExactly("0", "1", "0");
      }
      assertThat(pool.lentBatches()).isZero();
      ask(pool, allocator, KEEP_WITH_PYARROW, 10).close();
      assertThat(pool.lentBatches()).isEqualTo(1);
      ask(pool, allocator, LET_GO, 1).close();
      ArrowIT.awaitNothingLent(pool);
      assertThat(allocator.getAllocatedMemory()).isZero();
    }
  }
}
