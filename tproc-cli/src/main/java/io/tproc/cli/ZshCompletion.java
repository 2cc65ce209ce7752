package io.tproc.cli;

import io.tproc.cli.CompletionModel.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/** The completion of {@code tproc} for zsh(1). */
final class ZshCompletion {
  private static final String HEAD =
      """
      #compdef tproc
      # Completion of the command tproc for zsh. Made by: tproc completion zsh

      _tproc_sockets() { _files -g '*(-=)' }

      # Asking takes as long as Java takes to start.
      _tproc_pids() {
        local word socket
        local -a pids
        for word in ${words[2,-1]}; do
          if [[ -S ${~word} ]]; then socket=${~word}; break; fi
        done
        pids=(${(f)"$(tproc ps ${socket:+"$socket"} 2> /dev/null | sed -n '2,$s/^ *\\([0-9]*\\).*/\\1/p')"})
        compadd -a pids
      }

      _tproc() {
        local curcontext=$curcontext state state_descr line ret=1
        local -A opt_args
        local -a subcommands
        subcommands=(
      """;

  private static final String MIDDLE =
      """
            '1:command:->command' \\
            '*::argument:->argument' && ret=0
        case $state in
          command) _describe -t commands command subcommands && ret=0 ;;
          argument)
            case $words[1] in
      """;

  private static final String TAIL =
      """
            esac
            ;;
        esac
        return ret
      }

      _tproc "$@"
      """;

  private final CommandLine tproc;

  ZshCompletion(CommandLine tproc) {
    this.tproc = tproc;
  }

  String script() {
    StringBuilder script = new StringBuilder(HEAD);
    for (CommandLine command : CompletionModel.commands(tproc)) {
      String about = CompletionModel.about(command);
      script
          .append("    ")
          .append(quoted(command.getCommandName() + ":" + about.replace(":", "\\:")))
          .append('\n');
    }
    script.append("  )\n  _arguments -C \\\n");
    for (OptionSpec option : CompletionModel.options(tproc)) {
      script.append("      ").append(option(option)).append(" \\\n");
    }
    script.append(MIDDLE);
    for (CommandLine command : CompletionModel.commands(tproc)) {
      script.append(command(command));
    }
    return script.append(TAIL).toString();
  }

  private static String command(CommandLine command) {
    String name = "        " + command.getCommandName() + ")";
    List<Kind> words = CompletionModel.words(command);
    if (words.contains(Kind.COMMAND)) {
      return name + " _describe -t commands command subcommands && ret=0 ;;\n";
    }
    List<String> arguments = new ArrayList<>();
    CompletionModel.options(command).forEach(option -> arguments.add(option(option)));
    words.forEach(word -> arguments.addAll(words(word, command)));
    return name
        + "\n          _arguments \\\n            "
        + String.join(" \\\n            ", arguments)
        + " && ret=0\n          ;;\n";
  }

  private static String option(OptionSpec option) {
    boolean value = CompletionModel.takesValue(option);
    List<String> names = List.of(option.names());
    String rest =
        quoted(
            "["
                + CompletionModel.about(option).replaceAll("([\\[\\]\\\\:])", "\\\\$1")
                + "]"
                + (value ? ":" + option.paramLabel() + ":" + value(option) : ""));
    String spelled =
        names.stream()
            .map(name -> value ? name + (name.startsWith("--") ? "=" : "+") : name)
            .collect(Collectors.joining(","));
    String others = option.isMultiValue() ? "*" : "(" + String.join(" ", names) + ")";
    return names.size() == 1 ? spelled + rest : quoted(others) + "{" + spelled + "}" + rest;
  }

  private static String value(OptionSpec option) {
    return switch (CompletionModel.kind(option)) {
      case DIRECTORY -> "_directories";
      case SIGNAL -> "(" + String.join(" ", CompletionModel.signals()) + ")";
      case CHOICE -> "(" + String.join(" ", CompletionModel.choices(option)) + ")";
      default -> " ";
    };
  }

  private static List<String> words(Kind kind, CommandLine command) {
    return switch (kind) {
      case SOCKET -> List.of("'1:socket:_tproc_sockets'");
      case SOCKET_AND_PIDS -> List.of("'1:socket:_tproc_sockets'", "'*:process id:_tproc_pids'");
      case PROGRAM -> List.of("'(-)1:program: _command_names -e'", "'*::argument: _normal'");
      case DIRECTORY -> List.of("'1:directory:_directories'");
      case CHOICE ->
          List.of("'1:shell:(" + String.join(" ", CompletionModel.choices(command)) + ")'");
      default -> Stream.<String>of().toList();
    };
  }

  private static String quoted(String text) {
    return "'" + text.replace("'", "'\\''") + "'";
  }
}
