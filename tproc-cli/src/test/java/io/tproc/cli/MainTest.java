package io.tproc.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.verifyNoInteractions;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MainTest {
  private final HostSupplier hosts = mock(HostSupplier.class);
  private final Cli cli = new Cli(hosts);

  @Test
  void tellsItsVersion() {
    assertThat(cli.run("--version")).isZero();
    assertThat(cli.output()).startsWith("tproc ").contains("Java " + Runtime.version());
    verifyNoInteractions(hosts);
  }

  @Test
  void helpNamesTheSubcommands() {
    assertThat(cli.run("--help")).isZero();
    assertThat(cli.output()).contains("run").contains("check");
    assertThat(cli.errors()).isEmpty();
  }

  @Test
  void aSubcommandIsNeeded() {
    assertThat(cli.run()).isEqualTo(125);
    assertThat(cli.errors()).startsWith("tproc: a subcommand is needed");
    assertThat(cli.output()).isEmpty();
  }

  @Test
  void aWrongSubcommandIsNamedOnStderr() {
    assertThat(cli.run("runn")).isEqualTo(125);
    assertThat(cli.errors())
        .startsWith("tproc: ")
        .contains("runn")
        .contains("Did you mean: tproc run")
        .contains("--help");
    assertThat(cli.output()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"wiat, wait", "mpas, maps", "tpo, top", "runn, run", "x, none"})
  void exchangedLettersAreSeen(String typed, String meant) {
    assertThat(cli.run(typed)).isEqualTo(125);
    if (meant.equals("none")) {
      assertThat(cli.errors()).doesNotContain("Did you mean");
    } else {
      assertThat(cli.errors()).contains("Did you mean: tproc " + meant);
    }
  }

  @Test
  void anEmptySocketIsNamed() {
    for (String command : new String[] {"serve", "ps", "wait"}) {
      assertThat(cli.run(command, "")).isEqualTo(125);
      assertThat(cli.errors()).contains("tproc: the socket's name is empty");
    }
    verifyNoInteractions(hosts);
  }

  @Test
  void aNameCannotDriveTheTerminal() {
    cli.run("ps", "/no\u001b[31m\r");
    assertThat(cli.errors()).contains("/no\\e[31m\\r").doesNotContain("\u001b");
  }

  @Test
  void aWrongOptionOfASubcommandIsAUsageError() {
    assertThat(cli.run("run", "--no-such-option", "true")).isEqualTo(125);
    assertThat(cli.errors())
        .startsWith("tproc: ")
        .contains("--no-such-option")
        .contains("tproc run --help");
    verifyNoInteractions(hosts);
  }

  private static OutputStream failing(String reason) {
    return new OutputStream() {
      @Override
      public void write(int b) throws IOException {
        throw new IOException(reason);
      }
    };
  }

  private int written(OutputStream file) {
    PrintStream output = new PrintStream(file, true, StandardCharsets.UTF_8);
    output.println("line");
    return Main.written(output, file, 3, cli.commandLine());
  }

  @Test
  void whatHasNotBeenWrittenIsAFailure() {
    assertThat(written(OutputStream.nullOutputStream())).isEqualTo(3);
    assertThat(cli.errors()).isEmpty();
    assertThat(written(failing("No space left on device"))).isEqualTo(125);
    assertThat(cli.errors()).isEqualTo("tproc: cannot write the output: No space left on device\n");
  }
}
