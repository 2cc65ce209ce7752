package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tproc.ExitStatus.Signalled;
import io.tproc.LentBuffer;
import io.tproc.MemoryMapping;
import io.tproc.RetainedMemory;
import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import io.tproc.share.SharedBlock;
import io.tproc.spi.ViewScope;
import java.io.BufferedReader;
import java.lang.ref.WeakReference;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * What Java sees of a program's memory never ends the JVM, whenever the program dies and whenever
 * its memory is given back.
 */
@ExtendWith(HostExtension.class)
class ViewsIT {
  private static final int KEPT = 1 << 20;

  /** Java 22 or later, its classes in the jar, and permission: then views end. */
  private static final boolean VIEWS_END = viewsEnd();

  private static boolean viewsEnd() {
    // On the class path, loading the native library is enough from Java 24 on.
    TprocHost.open().close();
    try {
      Method permitted = Module.class.getMethod("isNativeAccessEnabled");
      return Arrays.stream(ViewScope.class.getMethods())
              .anyMatch(m -> m.getName().equals("segment"))
          && (boolean) permitted.invoke(ViewScope.class.getModule());
    } catch (ReflectiveOperationException older) {
      return false;
    }
  }

  private static ThreadProc keeper(TprocHost host) throws Exception {
    return host.command(Programs.probe("memory"), "keep", Integer.toString(KEPT)).start();
  }

  /** Of a program that runs. */
  private static ByteBuffer memoryOf(TprocHost host, ThreadProc program) throws Exception {
    BufferedReader output = program.inputReader(); // stays open: it belongs to the program
    return host.view(Long.decode(output.readLine()), KEPT);
  }

  private static void assertRight(ByteBuffer memory) {
    for (int at = 0; at < KEPT; at += 511) {
      assertThat(memory.get(at)).isEqualTo((byte) (at * 31 + 7));
    }
  }

  /** As what reads a program's memory all the time has it. */
  private static void assertEnded(ByteBuffer memory) {
    for (Callable<?> use :
        List.<Callable<?>>of(
            () -> memory.get(0),
            () -> memory.put(1, (byte) 0),
            () -> memory.duplicate().get(),
            () -> memory.slice(8, 16).getLong(0),
            () -> memory.asIntBuffer().get(3),
            () -> memory.get(new byte[100]),
            () -> ByteBuffer.allocateDirect(KEPT).put(memory.duplicate()))) {
      assertThatIllegalStateException().isThrownBy(use::call);
    }
  }

  /** Of a program that is closed: at once, or when no view of it is reachable. */
  static void assertGivenBack(TprocHost host, long address) {
    if (VIEWS_END) {
      assertThat(host.ownerOf(address)).isEmpty();
    } else {
      assertCollected(host, address);
    }
  }

  private static void assertCollected(TprocHost host, long address) {
    Patience.untilNothingToComplainOf(
        Patience.seconds(30),
        () -> {
          System.gc();
          return host.ownerOf(address).isEmpty() ? "" : "the memory is still there";
        });
  }

  private static void assertNothingIsKept(TprocHost host) {
    Patience.untilNothingToComplainOf(
        Patience.seconds(30),
        () -> {
          System.gc();
          return host.statuses().isEmpty() ? "" : "memory is kept: " + host.statuses();
        });
  }

  @Test
  void aViewEndsWithItsProgramsMemory(TprocHost host) throws Exception {
    assumeTrue(VIEWS_END, "skipped: nothing ends a buffer on Java 17, or without native access");
    ThreadProc program = keeper(host);
    ByteBuffer memory = memoryOf(host, program);
    assertRight(memory);
    program.destroyForcibly();
    assertThat(program.waitForExit()).isEqualTo(new Signalled(9, false));
    assertRight(memory);

    program.close();

    assertEnded(memory);
  }

  @Test
  void whereNothingEndsABufferItKeepsTheMemory(TprocHost host) throws Exception {
    assumeTrue(!VIEWS_END, "skipped: views end here");
    ThreadProc program = keeper(host);
    ByteBuffer memory = memoryOf(host, program);
    long address = host.addressOf(memory);
    ByteBuffer part = memory.slice(511, 511).order(ByteOrder.nativeOrder());
    memory = null;

    program.close();
    for (int i = 0; i < 3; i++) {
      System.gc();
    }

    assertThat(part.get(0)).isEqualTo((byte) (511 * 31 + 7));
    assertThat(host.ownerOf(address)).containsSame(program);
    assertThatIllegalStateException().isThrownBy(() -> host.view(address, 1));
    part = null;
    assertGivenBack(host, address);
  }

  @Test
  void aSegmentEndsWithItsProgramsMemory(TprocHost host) throws Exception {
    assumeTrue(VIEWS_END, "skipped: this is not Java 22 or later, or without native access");
    Method segment = TprocHost.class.getMethod("segment", long.class, long.class);
    segment.setAccessible(true); // declared in an interface that only TprocHost's callers see
    ThreadProc program = keeper(host);
    long address = host.addressOf(memoryOf(host, program));
    for (long size : new long[] {KEPT, 3L << 30}) {
      Object memory = segment.invoke(host, address, size);
      Class<?> type = Class.forName("java.lang.foreign.MemorySegment");
      Object part = type.getMethod("asSlice", long.class, long.class).invoke(memory, 0L, 511L);
      ByteBuffer buffer = (ByteBuffer) type.getMethod("asByteBuffer").invoke(part);
      assertThat(buffer.get(1)).isEqualTo((byte) 38);
      if (size > KEPT) {
        program.close();
        assertThatIllegalStateException().isThrownBy(() -> buffer.get(1));
      }
    }
  }

  @Test
  void aProgramDiesWhileJavaReads(TprocHost host) throws Exception {
    for (long round = 0; round < Patience.scaled(10); round++) {
      try (ThreadProc program = keeper(host)) {
        ByteBuffer memory = memoryOf(host, program);
        AtomicBoolean enough = new AtomicBoolean();
        CountDownLatch reading = new CountDownLatch(1);
        ExecutorService readers = Executors.newSingleThreadExecutor();
        try {
          Future<?> reader =
              readers.submit(
                  () -> {
                    do {
                      assertRight(memory);
                      reading.countDown();
                    } while (!enough.get());
                    assertRight(memory);
                  });
          reading.await();
          program.signal(9);
          program.waitForExit();
          enough.set(true);
          reader.get(Patience.seconds(60).toMillis(), TimeUnit.MILLISECONDS);
        } finally {
          readers.shutdownNow();
        }
      }
    }
  }

  @Test
  void closedWhileManyRead(TprocHost host) throws Exception {
    Resources before = Resources.now();
    for (long round = 0; round < Patience.scaled(10); round++) {
      ExecutorService readers = Executors.newFixedThreadPool(4);
      try (ThreadProc program = keeper(host)) {
        closeWhileTheyRead(host, program, readers);
      } finally {
        readers.shutdownNow();
        assertThat(readers.awaitTermination(60, TimeUnit.SECONDS)).isTrue();
      }
    }
    assertNothingIsKept(host);
    before.assertAsBeforeOnceCollected();
  }

  private static void closeWhileTheyRead(
      TprocHost host, ThreadProc program, ExecutorService readers) throws Exception {
    ByteBuffer memory = memoryOf(host, program);
    AtomicBoolean enough = new AtomicBoolean();
    CountDownLatch reading = new CountDownLatch(4);
    List<Future<Boolean>> all = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      all.add(readers.submit(() -> readUntilItEnds(memory, reading, enough)));
    }
    reading.await();
    program.close();
    enough.set(!VIEWS_END);
    for (Future<Boolean> reader : all) {
      assertThat(reader.get(Patience.seconds(60).toMillis(), TimeUnit.MILLISECONDS))
          .as("whether it ended")
          .isEqualTo(VIEWS_END);
    }
  }

  private static boolean readUntilItEnds(
      ByteBuffer memory, CountDownLatch reading, AtomicBoolean enough) {
    int rounds = 0;
    try {
      while (!enough.get()) {
        int sum = 0;
        for (int at = 0; at < KEPT; at += 64) {
          sum += memory.getInt(at);
        }
        assertThat(sum).isNotZero();
        if (++rounds == 2) {
          reading.countDown();
        }
      }
      return false;
    } catch (IllegalStateException ended) {
      return true;
    }
  }

  @Test
  void retainedMemoryOutlivesItsProgram(TprocHost host) throws Exception {
    Resources before = Resources.now();
    ThreadProc program = keeper(host);
    long address = useRetained(host, program);
    assertGivenBack(host, address);
    assertThatIllegalStateException().isThrownBy(program::memory);
    assertThatIllegalStateException().isThrownBy(program::retainMemory);
    before.assertAsBefore();
  }

  private static long useRetained(TprocHost host, ThreadProc program) throws Exception {
    ByteBuffer memory = memoryOf(host, program);
    long address = host.addressOf(memory);
    RetainedMemory first = program.retainMemory();
    RetainedMemory second = program.retainMemory();

    program.close();

    assertRight(memory);
    assertRight(host.view(address, KEPT));
    assertThat(host.ownerOf(address)).containsSame(program);
    assertThat(program.memory()).extracting(MemoryMapping::name).contains("[stack]");
    first.close();
    first.close();
    assertThat(second.program()).isSameAs(program);
    assertRight(memory);
    second.close();
    if (VIEWS_END) {
      assertThat(host.ownerOf(address)).isEmpty();
      assertEnded(memory);
    }
    return address;
  }

  @Test
  void retainedMemoryThatNobodyReachesIsGivenBack(TprocHost host) throws Exception {
    ThreadProc program = keeper(host);
    long address = host.addressOf(memoryOf(host, program));
    assertThat(program.retainMemory().program()).isSameAs(program);
    program.close();
    assertCollected(host, address);
  }

  @Test
  void aViewKeepsAProgramsHandle(TprocHost host) throws Exception {
    ByteBuffer memory = viewOfAForgottenProgram(host);
    for (int i = 0; i < 5; i++) {
      System.gc();
    }
    assertRight(memory);
    assertThat(host.ownerOf(host.addressOf(memory))).isPresent();
    long address = host.addressOf(memory);
    memory = null;
    assertCollected(host, address);
  }

  /** In a method of its own, so that no frame keeps the handle. */
  private static ByteBuffer viewOfAForgottenProgram(TprocHost host) throws Exception {
    ThreadProc program = keeper(host);
    ByteBuffer memory = memoryOf(host, program);
    program.destroyForcibly();
    program.waitForExit();
    return memory;
  }

  @Test
  void theHostsEndEndsAllViews() throws Exception {
    TprocHost.open().close();
    Resources before = Resources.now();
    closeWithViews();
    before.assertAsBeforeOnceCollected();
  }

  private static void closeWithViews() throws Exception {
    ByteBuffer memory;
    ByteBuffer scratch;
    ByteBuffer block;
    RetainedMemory retained;
    try (TprocHost host = TprocHost.open()) {
      scratch = host.scratch().putLong(0, 1);
      SharedBlock shared = host.heap().allocate(KEPT);
      block = shared.buffer();
      ThreadProc program = keeper(host);
      memory = memoryOf(host, program);
      retained = program.retainMemory();
      program.close();
      assertRight(memory);
    }
    if (VIEWS_END) {
      assertEnded(memory);
      assertEnded(block);
      assertThatIllegalStateException().isThrownBy(() -> scratch.getLong(0));
    } else {
      assertRight(memory); // of the others it is said that they are forbidden
    }
    retained.close();
  }

  @Test
  void notWhileNativeCodeUsesThem(@TempDir Path directory) throws Exception {
    assumeTrue(VIEWS_END, "skipped: this is not Java 22 or later, or without native access");
    ForeignSource.run(directory, "ViewsInCalls", Programs.probe("memory"));
  }

  @Test
  void manyViewsLeaveNothing(TprocHost host) throws Exception {
    Resources before = Resources.now();
    for (long round = 0; round < Patience.scaled(50); round++) {
      try (ThreadProc program = keeper(host)) {
        ByteBuffer memory = memoryOf(host, program);
        for (int at = 0; at < 1000; at++) {
          assertThat(host.view(host.addressOf(memory) + at, 1).get(0))
              .isEqualTo((byte) (at * 31 + 7));
        }
      }
    }
    assertNothingIsKept(host);
    before.assertAsBeforeOnceCollected();
  }

  @Test
  void aLentBufferNeedsNoFence(TprocHost host) throws Exception {
    LentBuffer lent = lend(host);
    WeakReference<LentBuffer> reference = new WeakReference<>(lent);
    String address = Long.toUnsignedString(lent.address());
    String size = Long.toString(lent.size());
    lent = null; // what was lent needs no reference either
    for (int i = 0; i < 5; i++) {
      System.gc();
    }

    assertThat(Outcome.hosted(host, Programs.sample("uppercase"), address, size))
        .returns("1048576\n", Outcome::output);

    LentBuffer found = reference.get();
    assertThat(found).isNotNull();
    found.close();
    assertThatIllegalStateException().isThrownBy(found::address);
  }

  private static LentBuffer lend(TprocHost host) {
    ByteBuffer buffer = ByteBuffer.allocateDirect(KEPT);
    for (int i = 0; i < KEPT; i++) {
      buffer.put(i, (byte) 'a');
    }
    return host.lend(buffer);
  }

  @Test
  void aBufferIsLentUntilAProgramsEnd(TprocHost host) throws Exception {
    ThreadProc program = keeper(host);
    LentBuffer lent = lend(host).untilEndOf(program);
    assertThat(lent.address()).isPositive();

    program.close();

    Patience.untilNothingToComplainOf(
        Patience.seconds(10), () -> isOpen(lent) ? "the buffer is still lent" : "");
  }

  private static boolean isOpen(LentBuffer lent) {
    try {
      return lent.address() != 0;
    } catch (IllegalStateException closed) {
      return false;
    }
  }
}
