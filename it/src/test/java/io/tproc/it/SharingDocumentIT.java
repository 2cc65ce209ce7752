package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tproc.ExitStatus.Exited;
import io.tproc.ThreadProc;
import io.tproc.ThreadProcBuilder;
import io.tproc.TprocHost;
import io.tproc.share.Channel;
import io.tproc.share.Channel.Role;
import io.tproc.share.HeapUsage;
import io.tproc.share.SharedBlock;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The programs in docs/sharing.md do what it says, in a host. {@link SnippetsIT} compiles them, and
 * runs those in Java; {@link RustIT} the one in Rust.
 */
class SharingDocumentIT {
  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
  private static final Path DOCUMENT = Path.of("docs/sharing.md");

  @TempDir static Path directory;

  private static ListeningHost listening;

  @BeforeAll
  static void open() throws IOException {
    assumeTrue(Files.exists(ROOT.resolve(DOCUMENT)), "skipped: the documents are not here");
    listening = ListeningHost.open();
  }

  @AfterAll
  static void close() throws IOException {
    if (listening != null) {
      listening.close();
    }
  }

  /** The one piece of code that has this text in it. */
  private static Snippet snippet(String language, String text) throws IOException {
    List<Snippet> found =
        Snippet.of(ROOT, DOCUMENT).stream()
            .filter(each -> each.language().equals(language) && each.text().contains(text))
            .toList();
    assertThat(found).as("code with " + text).hasSize(1);
    return found.get(0);
  }

  private static String built(Snippet snippet) throws Exception {
    Path source = directory.resolve("line" + snippet.line() + "." + snippet.language());
    Path program = directory.resolve("line" + snippet.line());
    Files.writeString(source, snippet.text());
    Path tree = Path.of(Programs.cli()).getParent().getParent();
    List<String> command =
        new ArrayList<>(
            List.of(Programs.installed(snippet.language().equals("c") ? "gcc" : "g++")));
    command.addAll(List.of("-O2", source.toString(), "-o", program.toString()));
    command.addAll(List.of("-I" + tree.resolve("include"), "-L" + tree.resolve("lib"), "-ltproc"));
    command.add("-Wl,-rpath," + tree.resolve("lib").toAbsolutePath());
    Outcome outcome = Outcome.natively(command);
    assertThat(outcome.exitValue).as(outcome.toString()).isZero();
    return program.toString();
  }

  private static Outcome hosted(String language, String text) throws Exception {
    Outcome outcome = Outcome.hosted(listening.host(), built(snippet(language, text)));
    assertThat(outcome.exitValue).as(outcome.toString()).isZero();
    return outcome;
  }

  private static void assertEndsWell(ThreadProc program) throws Exception {
    String errors = new String(program.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(errors).isEmpty();
    assertThat(program.waitForExit()).isEqualTo(new Exited(0));
  }

  private static long blocks() {
    return listening.host().heap().usage().uses().stream().mapToLong(HeapUsage.Use::blocks).sum();
  }

  @Test
  void blockThatIsGivenToTheHostStays() throws Exception {
    long before = blocks();
    hosted("c", "struct shared");
    assertThat(blocks()).isEqualTo(before + 1);
  }

  @Test
  void nameThatIsPublishedIsFound() throws Exception {
    hosted("c", "acme.frames");
    assertThat(listening.host().registry().lookup("acme.frames")).isEmpty();
  }

  @Test
  void ordinaryProcessAttaches() throws Exception {
    String program = built(snippet("c", "tproc_attach"));
    Outcome attached = Outcome.natively(program, listening.socket().toString());
    assertThat(attached.exitValue).as(attached.toString()).isZero();
    assertThat(Outcome.natively(program, "/nowhere").error())
        .isEqualTo("tproc_attach: No such file or directory\n");
  }

  @Test
  void graphMovesInOneStep() throws Exception {
    long before = blocks();
    assertThat(hosted("cpp", "acme.words").output()).isEqualTo("1 word\n");
    assertThat(blocks()).isEqualTo(before);
  }

  @Test
  void queueEndsWithItsLastSender() throws Exception {
    long before = blocks();
    TprocHost host = listening.host();
    try (ThreadProc program = host.command(built(snippet("c", "\"acme.jobs\""))).start()) {
      try (Channel jobs =
          host.channels().open("acme.jobs", Set.of(Role.SENDER), Patience.seconds(30))) {
        jobs.send(ByteBuffer.allocate(8), host.heap().allocate(1 << 20));
        jobs.send(ByteBuffer.allocate(48));
      }
      assertEndsWell(program);
    }
    assertThat(blocks()).isEqualTo(before);
  }

  @Test
  void totalsOfCPlusPlus() throws Exception {
    long before = blocks();
    TprocHost host = listening.host();
    try (ThreadProc program = host.command(built(snippet("cpp", "acme.totals"))).start()) {
      try (Channel numbers =
          host.channels().open("acme.numbers", Set.of(Role.SENDER), Patience.seconds(30))) {
        for (long number = 1; number <= 100; number++) {
          SharedBlock block = host.heap().allocate(Long.BYTES);
          block.buffer().putLong(0, number);
          numbers.send(ByteBuffer.allocate(0), block);
        }
      }
      assertEndsWell(program);
    }
    assertThat(blocks()).isEqualTo(before);
  }

  @Test
  void pythonTakesWhatComes() throws Exception {
    Path python = Path.of("/usr/bin/python3");
    assumeTrue(Files.isExecutable(python), "skipped: there is no /usr/bin/python3");
    Path script = directory.resolve("jobs.py");
    Files.writeString(script, snippet("python", "acme.jobs").text());
    long before = blocks();
    TprocHost host = listening.host();
    try (Channel jobs = host.channels().create(4, Set.of(Role.SENDER))) {
      jobs.publish("acme.jobs");
      ThreadProcBuilder command = host.command(python.toString(), script.toString());
      command.environment().putAll(PythonPackage.ENVIRONMENT);
      try (ThreadProc program = command.start()) {
        for (int i = 0; i < 10; i++) {
          jobs.send(ByteBuffer.allocate(0), host.heap().allocate(100));
        }
        while (jobs.peers(Role.RECEIVER) == 0 && program.isAlive()) {
          Thread.onSpinWait(); // a queue without an end is gone, with what is in it
        }
        jobs.close();
        assertEndsWell(program);
      }
    }
    assertThat(blocks()).isEqualTo(before);
  }
}
