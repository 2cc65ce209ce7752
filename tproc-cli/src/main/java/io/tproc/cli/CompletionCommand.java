package io.tproc.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tproc completion}: what a shell completes after {@code tproc}. */
@Command(
    name = "completion",
    description = "Prints what a shell needs to complete the words of tproc.",
    footer = {
      "",
      "Where the whole tree is installed below /usr or /usr/local, shells find it by themselves."
          + " Otherwise:",
      "  bash: source <(tproc completion bash)",
      "  zsh:  tproc completion zsh > DIR/_tproc, with DIR in $fpath",
      "  fish: tproc completion fish > ~/.config/fish/completions/tproc.fish",
      "",
      "Exit status: 0."
    })
final class CompletionCommand implements Callable<Integer> {
  /** By the names of their programs. */
  enum Shell {
    bash,
    zsh,
    fish
  }

  @Spec @Nullable CommandSpec spec;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help and exit.")
  boolean help;

  @Parameters(arity = "1", paramLabel = "SHELL", description = "bash, zsh or fish.")
  Shell shell = Shell.bash;

  @Override
  public Integer call() throws Exception {
    CommandLine command = Objects.requireNonNull(spec).commandLine();
    PrintWriter output = command.getOut();
    output.print(script(shell, command.getParent()));
    output.flush();
    return 0;
  }

  static String script(Shell shell, CommandLine tproc) throws IOException {
    return switch (shell) {
      case bash -> bash();
      case zsh -> new ZshCompletion(tproc).script();
      case fish -> new FishCompletion(tproc).script();
    };
  }

  private static String bash() throws IOException {
    try (InputStream script = CompletionCommand.class.getResourceAsStream("/completion/tproc")) {
      return new String(
          Objects.requireNonNull(script, "the jar has no completion/tproc").readAllBytes(),
          StandardCharsets.UTF_8);
    }
  }
}
