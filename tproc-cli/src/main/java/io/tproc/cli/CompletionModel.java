package io.tproc.cli;

import com.google.common.collect.ImmutableList;
import io.tproc.Signals;
import java.util.Collection;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** The words of the command line, as picocli has them, for who writes completions. */
final class CompletionModel {
  /** What a word can be; told by how the help calls it. */
  enum Kind {
    ANYTHING,
    DIRECTORY,
    SIGNAL,
    SOCKET,
    SOCKET_AND_PIDS,
    COMMAND,
    PROGRAM,
    CHOICE
  }

  private static final int LAST_NAMED_SIGNAL = Signals.SIGSYS;

  private CompletionModel() {}

  static Collection<CommandLine> commands(CommandLine tproc) {
    return tproc.getSubcommands().values();
  }

  static List<OptionSpec> options(CommandLine command) {
    return command.getCommandSpec().options().stream().filter(each -> !each.hidden()).toList();
  }

  /** Whether a word follows the option. */
  static boolean takesValue(OptionSpec option) {
    return option.arity().max() > 0;
  }

  /** What the command takes that is no option. */
  static List<Kind> words(CommandLine command) {
    return command.getCommandSpec().positionalParameters().stream()
        .filter(each -> !isRest(each))
        .map(CompletionModel::kind)
        .toList();
  }

  /** The arguments of the program that was named before. */
  private static boolean isRest(PositionalParamSpec word) {
    return word.index().min() > 0;
  }

  static Kind kind(ArgSpec word) {
    String label = word.paramLabel();
    if (label.contains("SOCKET")) {
      return label.contains("PID") ? Kind.SOCKET_AND_PIDS : Kind.SOCKET;
    }
    return switch (label) {
      case "DIR" -> Kind.DIRECTORY;
      case "SIGNAL" -> Kind.SIGNAL;
      case "COMMAND" -> Kind.COMMAND;
      case "PROGRAM" -> Kind.PROGRAM;
      default -> word.type().isEnum() ? Kind.CHOICE : Kind.ANYTHING;
    };
  }

  static List<String> choices(CommandLine command) {
    return command.getCommandSpec().positionalParameters().stream()
        .filter(word -> kind(word) == Kind.CHOICE)
        .flatMap(word -> choices(word).stream())
        .toList();
  }

  static List<String> choices(ArgSpec word) {
    return ImmutableList.copyOf(word.completionCandidates());
  }

  /** Without SIG. */
  static List<String> signals() {
    ImmutableList.Builder<String> names = ImmutableList.builder();
    for (int signal = 1; signal <= LAST_NAMED_SIGNAL; signal++) {
      names.add(Signals.name(signal).substring("SIG".length()));
    }
    return names.build();
  }

  static String about(CommandLine command) {
    CommandSpec spec = command.getCommandSpec();
    return firstSentence(spec.usageMessage().description());
  }

  static String about(OptionSpec option) {
    return firstSentence(option.description());
  }

  /** Of a description, without its full stop. */
  static String firstSentence(String... paragraphs) {
    String text = paragraphs.length == 0 ? "" : paragraphs[0];
    return text.replaceFirst("(?s)[.:;] .*", "").replaceFirst("\\.$", "");
  }
}
