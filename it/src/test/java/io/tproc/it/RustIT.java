package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tproc.ExitStatus.Exited;
import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import io.tproc.share.Channel;
import io.tproc.share.Channel.Role;
import io.tproc.share.ChannelMessage;
import io.tproc.share.SharedBlock;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The Rust crate, built by rustc alone, in hosted programs and in an ordinary one. */
@ExtendWith(HostExtension.class)
class RustIT {
  private static final Path CRATE = Path.of("../libtproc-rust").toAbsolutePath().normalize();
  private static final Path LIBRARIES =
      Path.of(Programs.cli()).getParent().resolveSibling("lib").toAbsolutePath();

  @TempDir static Path built;

  @BeforeAll
  static void build() throws Exception {
    assumeTrue(Files.exists(CRATE), "skipped: the Rust crate is not here");
    rustc(CRATE.resolve("src/lib.rs"), "--crate-type", "rlib", "--crate-name", "tproc");
    program(CRATE.resolve("test/sharing.rs"));
    program(CRATE.resolve("examples/filter.rs"));
  }

  private static void program(Path source) throws Exception {
    rustc(
        source,
        "-L",
        built.toString(),
        "--extern",
        "tproc=" + built.resolve("libtproc.rlib"),
        "-L",
        "native=" + LIBRARIES,
        "-l",
        "dylib=tproc",
        "-C",
        "link-arg=-Wl,-rpath," + LIBRARIES);
  }

  private static void rustc(Path source, String... options) throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of(Programs.installed("rustc"), "--edition", "2021", "-D", "warnings"));
    command.addAll(List.of("--out-dir", built.toString(), source.toString()));
    command.addAll(List.of(options));
    Outcome outcome = Outcome.natively(command);
    assertThat(outcome.exitValue).as(outcome.toString()).isZero();
  }

  private static String binary(String name) {
    return built.resolve(name).toString();
  }

  private static String errors(ThreadProc program) throws Exception {
    return new String(program.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
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

  @Test
  void anOrdinaryProcessTakesPart() throws Exception {
    try (ListeningHost listening = ListeningHost.open()) {
      Outcome outcome = Outcome.natively(List.of(binary("sharing"), listening.socket().toString()));
      assertThat(outcome.exitValue).as(outcome.toString()).isZero();
    }
  }
}
