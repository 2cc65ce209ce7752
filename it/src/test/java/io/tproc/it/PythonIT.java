package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
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
import io.tproc.share.Registration;
import io.tproc.share.SharedBlock;
import io.tproc.share.SharedMemoryException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The Python package, in a hosted python3. */
@ExtendWith(HostExtension.class)
class PythonIT {
  private static final Path PACKAGE = Path.of("../libtproc-python").toAbsolutePath().normalize();

  @Test
  void pythonSharesWithJava(TprocHost host) throws Exception {
    assumeTrue(Files.exists(PACKAGE), "skipped: the Python package is not here");
    // One of PATH may be a script that executes another, which is not hosted.
    Path python = Path.of("/usr/bin/python3");
    assumeTrue(Files.isExecutable(python), "skipped: there is no /usr/bin/python3");
    Path library = Path.of(Programs.cli()).getParent().resolveSibling("lib/libtproc.so");
    ThreadProcBuilder command =
        host.command(
            python.toString(),
            PACKAGE.resolve("test/sharing.py").toString(),
            "it.python.jobs",
            "it.python.done");
    command.environment().put("PYTHONPATH", PACKAGE.toString());
    command.environment().put("PYTHONDONTWRITEBYTECODE", "1");
    command.environment().put("TPROC_LIBRARY", library.toAbsolutePath().toString());
    try (Channel jobs = host.channels().create(4, Set.of(Role.SENDER));
        Channel done = host.channels().create(4, Set.of(Role.RECEIVER))) {
      jobs.publish("it.python.jobs");
      done.publish("it.python.done");
      try (ThreadProc program = command.start()) {
        for (int i = 0; i < 4; i++) {
          SharedBlock block = host.heap().allocate(100);
          block.buffer().put(0, (byte) (i + 1));
          jobs.send(ByteBuffer.wrap(new byte[] {(byte) i}), block);
        }
        for (int i = 0; i < 4; i++) {
          Optional<ChannelMessage> message = done.receive(Patience.seconds(30));
          if (message.isEmpty()) {
            program.destroyForcibly();
            break;
          }
          assertThat(message.get().data().get(0)).isEqualTo((byte) i);
          try (SharedBlock block = message.get().block().orElseThrow()) {
            assertThat(block.buffer().get(0)).isEqualTo((byte) (2 * (i + 1)));
          }
        }
        jobs.close();
        String errors = new String(program.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(errors).isEmpty();
        assertThat(program.waitForExit()).isEqualTo(new Exited(0));
      }
      assertThatExceptionOfType(SharedMemoryException.class)
          .isThrownBy(done::receive)
          .returns(Errno.EPIPE, SharedMemoryException::errno);
    }
  }

  private static final String WAITS =
      String.join(
          "\n",
          "import json, os, sys",
          "import tproc",
          "print('imported', file=sys.stderr)",
          "waited = tproc.ready()",
          "word = os.environ.get('WORD')",
          "assert ('EARLY' in os.environ) != waited",
          "c_word = os.popen('echo $WORD$EARLY').read().strip()",
          "line = sys.stdin.readline().strip()",
          "print(json.dumps([waited, sys.argv[1:], word, c_word, line, os.getcwd()]))");

  @Test
  void pythonRunsAheadOfItsStart(TprocHost host, @TempDir Path directory) throws Exception {
    assumeTrue(Files.exists(PACKAGE), "skipped: the Python package is not here");
    Path python = Path.of("/usr/bin/python3");
    assumeTrue(Files.isExecutable(python), "skipped: there is no /usr/bin/python3");
    Path script = Files.writeString(directory.resolve("waits.py"), WAITS);
    ThreadProcBuilder ahead = host.command(python.toString(), script.toString(), "a");
    ahead.environment().putAll(PythonPackage.ENVIRONMENT);
    ahead.environment().put("EARLY", "1");
    PreparedIT.untilOlder(() -> ahead.prepareUntilReady(1));

    ThreadProcBuilder start = host.command(python.toString(), script.toString(), "a", "b c");
    start.environment().put("WORD", "late");
    start.directory(directory);
    assertThat(Outcome.of(start.start(), "line\n"))
        .returns(
            "[true, [\"a\", \"b c\"], \"late\", \"late\", \"line\", \""
                + directory.toRealPath()
                + "\"]\n",
            Outcome::output)
        .returns("", Outcome::error);
    assertThat(host.prepared())
        .singleElement()
        .returns(Depth.READY, PreparedProgram::depth)
        .returns(1L, PreparedProgram::started);
    ahead.prepareUntilReady(0);

    Outcome ordinary = Outcome.of(ahead.start(), "line\n");
    assertThat(ordinary.output())
        .startsWith("[false, [\"a\"], null, \"1\", \"line\", ")
        .as(ordinary.toString());
    assertThat(ordinary.error()).isEqualTo("imported\n");
  }

  private static final String ATTACHES =
      String.join(
          "\n",
          "import sys, tproc",
          "tproc.attach(sys.argv[1])",
          "assert not tproc.is_threadproc()",
          "entry = tproc.wait_for('it.attached', 'it/1', 30)",
          "block = tproc.take(entry.address)",
          "block.memory[0] += 1",
          "block.give()",
          "mine = tproc.alloc(1 << 16)",
          "tproc.publish('it.attached.mine', 'it/1', mine)",
          "tproc.wait_for('it.attached.seen', 'it/1', 30)");

  @Test
  void anOrdinaryPythonTakesPart() throws Exception {
    assumeTrue(Files.exists(PACKAGE), "skipped: the Python package is not here");
    Path python = Path.of("/usr/bin/python3");
    assumeTrue(Files.isExecutable(python), "skipped: there is no /usr/bin/python3");
    Path library = Path.of(Programs.cli()).getParent().resolveSibling("lib/libtproc.so");
    ProcessBuilder command =
        new ProcessBuilder(python.toString(), "-B", "-c", ATTACHES).redirectErrorStream(true);
    command.environment().put("PYTHONPATH", PACKAGE.toString());
    command.environment().put("TPROC_LIBRARY", library.toAbsolutePath().toString());
    try (ListeningHost listening = ListeningHost.open();
        SharedBlock block = listening.host().heap().allocate(16)) {
      TprocHost host = listening.host();
      block.buffer().put(0, (byte) 6);
      host.registry().publish("it.attached", "it/1", block);
      command.command().add(listening.socket().toString());
      Process process = command.start();
      Registration mine = host.registry().await("it.attached.mine", "it/1", Patience.seconds(30));
      assertThat(mine.pid()).isEqualTo(process.pid());
      assertThat(host.heap().ownerOf(mine.address())).hasValue(process.pid());
      assertThat(block.buffer().get(0)).isEqualTo((byte) 7);
      host.registry().publish("it.attached.seen", "it/1", block);
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(process.waitFor()).as(output).isZero();
      // What it had is free again, and its name.
      host.registry().whenEnded(mine).get();
      assertThat(host.registry().lookup("it.attached.mine")).isEmpty();
    }
  }
}
