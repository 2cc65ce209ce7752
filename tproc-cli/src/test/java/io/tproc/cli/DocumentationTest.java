package io.tproc.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.mockito.Mockito.mock;

import io.tproc.cli.CompletionCommand.Shell;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/** The man page and the completion know every command and every option. */
class DocumentationTest {
  private static final CommandLine TPROC = Main.commandLine(mock(HostSupplier.class));

  static Stream<String> commands() {
    return TPROC.getSubcommands().keySet().stream();
  }

  static Stream<String> options() {
    Stream<CommandLine> all =
        Stream.concat(Stream.of(TPROC), TPROC.getSubcommands().values().stream());
    return all.flatMap(command -> command.getCommandSpec().options().stream())
        .map(OptionSpec::names)
        .flatMap(Stream::of)
        .distinct();
  }

  private static String script(Shell shell) throws IOException {
    return CompletionCommand.script(shell, TPROC);
  }

  private static String file(String name) throws IOException {
    return Files.readString(Path.of(name));
  }

  @ParameterizedTest
  @MethodSource("commands")
  void everyCommand(String name) throws Exception {
    assertThat(file("man/tproc.1")).contains("\n.SS " + name + "\n").contains("tproc\\ " + name);
    assertThat(file("completion/tproc")).containsPattern("'run [^']*'").contains(name);
    assertThat(script(Shell.zsh)).contains("\n    '" + name + ":").contains(" " + name + ")");
    assertThat(script(Shell.fish))
        .contains("'__fish_use_subcommand' -a " + name + " -d '")
        .contains("'__tproc_" + (name.equals("run") ? "before_program " : "command ") + name + "'");
  }

  @ParameterizedTest
  @MethodSource("options")
  void everyOption(String name) throws Exception {
    assertThat(file("man/tproc.1")).contains(name.replace("-", "\\-"));
    assertThat(file("completion/tproc")).containsPattern("[' ]" + name + "[' ]");
    assertThat(script(Shell.zsh)).containsPattern("[{, ]" + name + "['=+},\\[]");
    assertThat(script(Shell.fish))
        .contains(
            name.startsWith("--") ? " -l " + name.substring(2) + " " : " -s " + name.charAt(1));
  }

  @ParameterizedTest
  @MethodSource("commands")
  void everyHelpNamesItsExitStatus(String name) {
    Map<String, CommandLine> all = TPROC.getSubcommands();
    String help = all.get(name).getUsageMessage();
    assertThat(help).contains("Exit status:").contains("Usage: tproc " + name);
    assertThat(help.lines()).as("fits a terminal").allMatch(line -> line.length() <= 80);
  }
}
