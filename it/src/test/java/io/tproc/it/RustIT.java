package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tproc.Errno;
import io.tproc.ExitStatus.Exited;
import io.tproc.PreparedProgram;
import io.tproc.PreparedProgram.Depth;
import io.tproc.ThreadProc;
import io.tproc.ThreadProcBuilder;
import io.tproc.TprocHost;
import io.tproc.share.Channel;
import io.tproc.share.Channel.Role;
import io.tproc.share.ChannelMessage;
import io.tproc.share.SharedBlock;
import io.tproc.worker.WorkerFailedException;
import io.tproc.worker.WorkerPool;
import io.tproc.worker.WorkerRequest;
import io.tproc.worker.WorkerResponse;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The Rust crate, built by rustc alone, in hosted programs and in an ordinary one. */
@ExtendWith(HostExtension.class)
class RustIT {
  @TempDir static Path built;

  private static RustPrograms rust;

  @BeforeAll
  static void build() throws Exception {
    Optional<String> whyNot = RustPrograms.whyNot();
    assumeTrue(whyNot.isEmpty(), () -> "skipped: " + whyNot.orElseThrow());
    rust = RustPrograms.in(built);
    rust.ofCrate("test/sharing.rs");
    rust.ofCrate("test/serving.rs");
    rust.ofCrate("test/ready.rs");
    rust.ofCrate("examples/filter.rs");
    rust.ofCrate("examples/worker.rs");
  }

  private static String binary(String name) {
    return rust.binary(name);
  }

  private static String errors(ThreadProc program) throws Exception {
    return new String(program.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
  }

  @Test
  void aRustProgramRunsAheadOfItsStart(TprocHost host, @TempDir Path directory) throws Exception {
    host.command(binary("ready")).prepareUntilReady(1);
    ThreadProcBuilder builder = host.command(binary("ready"), "a", "b c").directory(directory);
    builder.environment().put("WORD", "late");

    assertThat(Outcome.of(builder.start(), "").output())
        .isEqualTo("500500 waited\na\nb c\nlate\n" + directory.toRealPath() + "\n");
    assertThat(host.prepared())
        .singleElement()
        .returns(Depth.READY, PreparedProgram::depth)
        .returns(1L, PreparedProgram::started);
    host.command(binary("ready")).prepareUntilReady(0);
    assertThat(Outcome.hosted(host, binary("ready")).output())
        .startsWith("500500 ordinary\nnone\n");
  }

  @Test
  void rustSharesWithJava(TprocHost host) throws Exception {
    try (Channel jobs = host.channels().create(4, Set.of(Role.SENDER));
        Channel done = host.channels().create(4, Set.of(Role.RECEIVER))) {
      jobs.publish("it.rust.jobs");
      done.publish("it.rust.done");
      try (ThreadProc program =
          host.command(binary("sharing"), "it.rust.jobs", "it.rust.done").start()) {
        for (int i = 0; i < 4; i++) {
          SharedBlock block = host.heap().allocate(100);
          block.buffer().put(0, (byte) (i + 1));
          jobs.send(ByteBuffer.wrap(new byte[] {(byte) i}), block);
        }
        for (int i = 0; i < 4; i++) {
          Optional<ChannelMessage> message = done.receive(Patience.seconds(30));
          if (message.isEmpty()) {
            program.destroyForcibly(); // its errors say why
            break;
          }
          assertThat(message.get().data().get(0)).isEqualTo((byte) i);
          try (SharedBlock block = message.get().block().orElseThrow()) {
            assertThat(block.buffer().get(0)).isEqualTo((byte) (2 * (i + 1)));
          }
        }
        jobs.close();
        assertThat(errors(program)).isEmpty();
        assertThat(program.waitForExit()).isEqualTo(new Exited(0));
      }
    }
  }

  @Test
  void threadsShareASenderOfAChannelForOne(TprocHost host) throws Exception {
    try (Channel done = host.channels().create(1024, Set.of(Role.RECEIVER), Set.of(Role.SENDER))) {
      done.publish("it.rust.threads");
      try (ThreadProc program =
          host.command(binary("sharing"), "none", "it.rust.threads", "threads").start()) {
        Set<Integer> numbers = new HashSet<>();
        for (int i = 0; i < 40_000; i++) {
          Optional<ChannelMessage> message = done.receive(Patience.seconds(10));
          if (message.isEmpty()) {
            program.destroyForcibly(); // its errors say why
            break;
          }
          numbers.add(message.get().data().getInt(0));
        }
        assertThat(errors(program)).isEmpty();
        assertThat(program.waitForExit()).isEqualTo(new Exited(0));
        assertThat(numbers).hasSize(40_000);
      }
    }
  }

  @Test
  void theExampleFiltersInPlace(TprocHost host) throws Exception {
    try (Channel input = host.channels().create(4, Set.of(Role.SENDER));
        Channel output = host.channels().create(4, Set.of(Role.RECEIVER))) {
      input.publish("it.rust.input");
      output.publish("it.rust.output");
      try (ThreadProc filter =
          host.command(binary("filter"), "it.rust.input", "it.rust.output").start()) {
        SharedBlock numbers = host.heap().allocate(16 + 3 * Double.BYTES);
        long address = numbers.address();
        numbers.buffer().putLong(0, 3).putDouble(16, 1.5).putDouble(24, 2).putDouble(32, -4);
        input.send(ByteBuffer.wrap(new byte[] {42}), numbers);
        ChannelMessage message = output.receive(Patience.seconds(30)).orElseThrow();
        try (SharedBlock doubled = message.block().orElseThrow()) {
          assertThat(doubled.address()).isEqualTo(address);
          assertThat(doubled.buffer().getDouble(16)).isEqualTo(3);
          assertThat(doubled.buffer().getDouble(32)).isEqualTo(-8);
        }
        input.close();
        assertThat(errors(filter)).isEmpty();
        assertThat(filter.waitForExit()).isEqualTo(new Exited(0));
      }
    }
  }

  private static WorkerResponse ask(WorkerPool pool, WorkerRequest request) throws Exception {
    return pool.submit(request).get(Patience.seconds(30).toMillis(), TimeUnit.MILLISECONDS);
  }

  private static String text(WorkerResponse response) {
    return StandardCharsets.UTF_8.decode(response.data()).toString();
  }

  private static WorkerFailedException failure(WorkerPool pool, String request) {
    return catchThrowableOfType(
        WorkerFailedException.class,
        () -> {
          try {
            ask(pool, WorkerRequest.of(request));
          } catch (ExecutionException failed) {
            throw failed.getCause();
          }
        });
  }

  @Test
  void aWorkerServes(TprocHost host) throws Exception {
    try (WorkerPool pool = host.workers(binary("serving")).open()) {
      assertThat(text(ask(pool, WorkerRequest.of("stressed")))).isEqualTo("desserts");
      assertThat(text(ask(pool, WorkerRequest.of("number")))).matches("request \\d+, 0 buffers");
      assertThat(ask(pool, WorkerRequest.of("large")).data().remaining()).isEqualTo(100_000);
      SharedBlock block = host.heap().allocate(100);
      long address = block.address();
      block.buffer().put(0, (byte) 41);
      WorkerResponse answer = ask(pool, WorkerRequest.of("block").withBlock(block));
      try (SharedBlock back = answer.block().orElseThrow()) {
        assertThat(back.address()).isEqualTo(address);
        assertThat(back.buffer().get(0)).isEqualTo((byte) 42);
      }
      // One that is not sent back is freed.
      SharedBlock lost = host.heap().allocate(100);
      address = lost.address();
      ask(pool, WorkerRequest.of("").withBlock(lost));
      assertThat(host.heap().ownerOf(address)).isEmpty();
    }
  }

  @Test
  void itsErrorsAndPanicsAreJavasExceptions(TprocHost host) throws Exception {
    try (WorkerPool pool = host.workers(binary("serving")).open()) {
      assertThat(failure(pool, "refuse"))
          .returns(95, WorkerFailedException::code)
          .hasMessageEndingWith("not this one");
      assertThat(failure(pool, "no code"))
          .returns(WorkerFailedException.EXCEPTION, WorkerFailedException::code);
      assertThat(failure(pool, "panic"))
          .returns(WorkerFailedException.EXCEPTION, WorkerFailedException::code)
          .hasMessageEndingWith("it was to");
      assertThat(failure(pool, "panic with a value")).hasMessageEndingWith("a panic");
      assertThat(text(ask(pool, WorkerRequest.of("on")))).isEqualTo("no");
    }
  }

  @Test
  void theExampleScalesJavasBufferInPlace(TprocHost host) throws Exception {
    ByteBuffer samples = ByteBuffer.allocateDirect(8).order(ByteOrder.nativeOrder());
    samples.putFloat(0, 1.5f).putFloat(4, -2);
    try (WorkerPool pool = host.workers(binary("worker")).open()) {
      WorkerRequest request = WorkerRequest.of("2").withBuffer(samples);
      assertThat(text(ask(pool, request))).isEqualTo("2 samples");
      assertThat(samples.getFloat(0)).isEqualTo(3f);
      assertThat(samples.getFloat(4)).isEqualTo(-4f);
      assertThat(failure(pool, "two")).hasMessageEndingWith("invalid float literal");
      assertThat(failure(pool, "2")).returns(Errno.EINVAL, WorkerFailedException::code);
    }
  }

  @Test
  void anOrdinaryProcessTakesPart() throws Exception {
    try (ListeningHost listening = ListeningHost.open()) {
      Outcome outcome = Outcome.natively(List.of(binary("sharing"), listening.socket().toString()));
      assertThat(outcome.exitValue).as(outcome.toString()).isZero();
    }
  }
}
