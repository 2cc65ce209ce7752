package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tproc.ExitStatus.Exited;
import io.tproc.ExitStatus.Signalled;
import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Standard input, output and error of a threadproc, as those of any other {@link Process}. */
@ExtendWith(HostExtension.class)
class StreamsIT {
  @Test
  void inputBecomesOutput(TprocHost host) throws Exception {
    byte[] bytes = new byte[3_000_001];
    new Random(1).nextBytes(bytes);

    try (ThreadProc program = host.command(Programs.probe("copy")).start()) {
      Outcome outcome = Outcome.of(program, bytes);
      assertThat(outcome.outputBytes()).isEqualTo(bytes);
      assertThat(outcome.error()).isEmpty();
    }
  }

  @Test
  void errorOutputIsAStreamOfItsOwn(TprocHost host) throws Exception {
    try (ThreadProc program = host.command(Programs.probe("copy"), "2").start()) {
      Outcome outcome = Outcome.of(program, "to the error output");
      assertThat(outcome.error()).isEqualTo("to the error output");
      assertThat(outcome.output()).isEmpty();
    }
  }

  @Test
  void aDialogue(TprocHost host) throws Exception {
    try (ThreadProc program = host.command(Programs.probe("copy")).start();
        BufferedReader answers = program.inputReader()) {
      for (int i = 0; i < 100; i++) {
        program.outputWriter().append("line " + i + "\n").flush();
        assertThat(answers.readLine()).isEqualTo("line " + i);
      }
    }
  }

  @Test
  void outputCanBeReadAfterTheExit(TprocHost host) throws Exception {
    try (ThreadProc program = host.command(Programs.probe("spew"), "60000").start()) {
      assertThat(program.waitForExit()).isEqualTo(new Exited(0));
      assertThat(program.getInputStream().readAllBytes()).hasSize(60000);
      assertThat(program.getErrorStream().readAllBytes()).isEmpty();
    }
  }

  @Test
  void outputEndsWithTheProgram(TprocHost host) throws Exception {
    try (ThreadProc program = host.command(Programs.probe("waiter")).start();
        BufferedReader output = program.inputReader()) {
      assertThat(output.readLine()).isEqualTo("ready");
      program
          .toHandle()
          .destroyForcibly(); // Process.destroyForcibly() would close the streams, as the JDK does
      assertThat(output.readLine()).isNull();
      assertThat(program.getErrorStream().read()).isEqualTo(-1);
    }
  }

  @Test
  void closingTheInputEndsIt(TprocHost host) throws Exception {
    try (ThreadProc program = host.command(Programs.probe("copy")).start()) {
      program.getOutputStream().close();
      assertThat(program.waitForExit()).isEqualTo(new Exited(0));
    }
  }

  @Test
  void writingToAnEndedProgramFailsAndKillsNobody(TprocHost host) throws Exception {
    try (ThreadProc program = host.command(Programs.nothing()).start()) {
      program.waitForExit();
      OutputStream input = program.getOutputStream();
      assertThatThrownBy(
              () -> {
                input.write(new byte[100_000]);
                input.flush();
              })
          .isInstanceOf(IOException.class);
    }
  }

  @Test
  void aProgramWhoseReaderHasGoneGetsSigpipe(TprocHost host) throws Exception {
    try (ThreadProc program = host.command(Programs.probe("spew"), "100000000").start()) {
      program.getInputStream().close();
      assertThat(program.waitForExit()).isEqualTo(new Signalled(13, false));
    }
  }

  @Test
  void availableSaysWhatIsThere(TprocHost host) throws Exception {
    try (ThreadProc program = host.command(Programs.probe("spew"), "1000").start()) {
      program.waitForExit();
      assertThat(Patience.until(Patience.seconds(10), () -> available(program) == 1000)).isTrue();
    }
  }

  private static int available(ThreadProc program) {
    try {
      return program.getInputStream().available();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @Test
  void closingAStreamFromAnotherThreadEndsAProgramThatWrites(TprocHost host) throws Exception {
    for (int i = 0; i < 20; i++) {
      try (ThreadProc program = host.command(Programs.probe("spew"), "1000000000000").start()) {
        CompletableFuture<Void> reader =
            CompletableFuture.runAsync(
                () -> {
                  try {
                    program.getInputStream().transferTo(OutputStream.nullOutputStream());
                  } catch (IOException e) {
                    // As any FileInputStream's: closed before the read, or in the middle of it.
                    assertThat(e).message().matches("Stream [Cc]losed|Bad file descriptor");
                  }
                });
        program.destroyForcibly();
        program.waitForExit();
        program.close();
        reader.get(Patience.seconds(20).toMillis(), TimeUnit.MILLISECONDS);
      }
    }
  }
}
