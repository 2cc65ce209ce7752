package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tproc.ExitStatus.Exited;
import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Standard streams that go elsewhere: files, nowhere, the host's own. */
@ExtendWith(HostExtension.class)
class RedirectIT {
  @TempDir Path directory;

  @Test
  void fromAndToFiles(TprocHost host) throws Exception {
    Path input = Files.writeString(directory.resolve("input"), "from a file");
    Path output =
        Files.writeString(directory.resolve("output"), "what was there before is gone afterwards");

    try (ThreadProc program =
        host.command(Programs.probe("copy"))
            .redirectInput(input.toFile())
            .redirectOutput(output.toFile())
            .start()) {
      assertThat(program.waitForExit()).isEqualTo(new Exited(0));
      assertThat(output).hasContent("from a file");
      assertThat(program.getInputStream().read())
          .as("a redirected output has a stream that is at its end")
          .isEqualTo(-1);
      assertThatThrownBy(() -> program.getOutputStream().write(1)).isInstanceOf(IOException.class);
    }
  }

  @Test
  void theErrorOutputToAFile(TprocHost host) throws Exception {
    Path error = directory.resolve("error");

    try (ThreadProc program =
        host.command(Programs.probe("copy"), "2").redirectError(error.toFile()).start()) {
      assertThat(Outcome.of(program, "to a file").output()).isEmpty();
      assertThat(error).hasContent("to a file");
    }
  }

  @Test
  void appending(TprocHost host) throws Exception {
    Path output = Files.writeString(directory.resolve("output"), "first, ");

    try (ThreadProc program =
        host.command(Programs.probe("copy"))
            .redirectOutput(Redirect.appendTo(output.toFile()))
            .start()) {
      Outcome.of(program, "second");
      assertThat(output).hasContent("first, second");
    }
  }

  @Test
  void discarding(TprocHost host) throws Exception {
    try (ThreadProc program =
        host.command(Programs.probe("copy")).redirectOutput(Redirect.DISCARD).start()) {
      Outcome outcome = Outcome.of(program, "this is not read");
      assertThat(outcome.exitValue).isZero();
      assertThat(outcome.output()).isEmpty();
    }
  }

  @Test
  void mergingTheErrorOutput(TprocHost host) throws Exception {
    try (ThreadProc program =
        host.command(Programs.probe("copy"), "2").redirectErrorStream(true).start()) {
      Outcome outcome = Outcome.of(program, "where the output goes");
      assertThat(outcome).returns("where the output goes", Outcome::output);
      assertThat(outcome.error()).isEmpty();
    }
  }

  @Test
  void mergingTheErrorOutputIntoAFile(TprocHost host) throws Exception {
    Path output = directory.resolve("output");

    try (ThreadProc program =
        host.command(Programs.probe("copy"), "2")
            .redirectOutput(output.toFile())
            .redirectErrorStream(true)
            .start()) {
      Outcome.of(program, "both in one file");
      assertThat(output).hasContent("both in one file");
    }
  }

  @Test
  void aFileThatIsNotThere(TprocHost host) {
    Resources before = Resources.now();

    assertThatThrownBy(
            () ->
                host.command(Programs.nothing())
                    .redirectInput(directory.resolve("missing").toFile())
                    .start())
        .isInstanceOf(IOException.class)
        .hasMessageContaining("missing");
    assertThatThrownBy(
            () ->
                host.command(Programs.nothing())
                    .redirectOutput(directory.resolve("no/such/place").toFile())
                    .start())
        .isInstanceOf(IOException.class)
        .hasMessageContaining("no/such/place");
    before.assertAsBefore();
  }

  @Test
  void aRedirectOfTheWrongDirection(TprocHost host) {
    assertThatThrownBy(
            () -> host.command(Programs.nothing()).redirectInput(Redirect.to(directory.toFile())))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(
            () ->
                host.command(Programs.nothing()).redirectOutput(Redirect.from(directory.toFile())))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void inheritingTheHostsStreams() throws Exception {
    Process host = new ChildJvm().main(InheritMain.class).start();
    Outcome outcome = Outcome.of(host, "through the host's own streams");

    assertThat(outcome).returns("through the host's own streams", Outcome::output);
    assertThat(outcome.exitValue).isZero();
  }

  /** Hosts one program with this JVM's streams. */
  static final class InheritMain {
    private InheritMain() {}

    public static void main(String[] arguments) throws Exception {
      try (TprocHost host = TprocHost.open();
          ThreadProc program = host.command(Programs.probe("copy")).inheritIO().start()) {
        System.exit(program.waitFor());
      }
    }
  }
}
