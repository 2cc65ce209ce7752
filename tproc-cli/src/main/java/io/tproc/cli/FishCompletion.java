package io.tproc.cli;

import io.tproc.cli.CompletionModel.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/** The completion of {@code tproc} for fish(1). */
final class FishCompletion {
  private static final String HEAD =
      """
      # Completion of the command tproc for fish. Made by: tproc completion fish
      complete -c tproc -f

      # Whether this is the command that is being typed.
      function __tproc_command -a name
          set -l words (commandline -opc)
          test (count $words) -gt 1; and test $words[2] = $name
      end

      # Whether the program to run has not been named yet.
      function __tproc_before_program -a name
          __tproc_command $name; or return 1
          set -l words (commandline -opc)
          set words $words[3..-1]
          while set -q words[1]
              switch $words[1]
                  case %s
                      set words $words[3..-1]
                  case '-*'
                      set words $words[2..-1]
                  case '*'
                      return 1
              end
          end
      end

      # Files that are sockets, and directories on the way to one.
      function __tproc_sockets
          for file in (__fish_complete_path (commandline -ct) | string split -f1 \\t)
              set -l path (string replace -r '^~/' $HOME/ -- $file)
              if test -S $path; or test -d $path
                  echo $file
              end
          end
      end

      # Asking takes as long as Java takes to start.
      function __tproc_pids
          set -l words (commandline -opc)
          set -l socket
          for word in $words[3..-1]
              if test -S $word
                  set socket $word
                  break
              end
          end
          $words[1] ps $socket 2>/dev/null | string replace -rf '^ *(\\d+) .*' '$1'
      end

      """;

  private final CommandLine tproc;

  FishCompletion(CommandLine tproc) {
    this.tproc = tproc;
  }

  String script() {
    List<String> lines = new ArrayList<>();
    for (OptionSpec option : CompletionModel.options(tproc)) {
      lines.add(line("__fish_use_subcommand", option(option)));
    }
    for (CommandLine command : CompletionModel.commands(tproc)) {
      String about = CompletionModel.about(command);
      lines.add(
          line("__fish_use_subcommand", "-a " + command.getCommandName() + " -d " + quoted(about)));
      add(lines, command);
    }
    return HEAD.formatted(optionsWithValues())
        + lines.stream().collect(Collectors.joining("\n", "", "\n"));
  }

  private static void add(List<String> lines, CommandLine command) {
    String name = command.getCommandName();
    boolean program = CompletionModel.words(command).contains(Kind.PROGRAM);
    String here = (program ? "__tproc_before_program " : "__tproc_command ") + name;
    for (OptionSpec option : CompletionModel.options(command)) {
      lines.add(line(here, option(option)));
    }
    for (Kind kind : CompletionModel.words(command)) {
      words(kind, command).forEach(words -> lines.add(line("__tproc_command " + name, words)));
    }
  }

  /** The options after which the next word is no program. */
  private String optionsWithValues() {
    return CompletionModel.commands(tproc).stream()
        .filter(command -> CompletionModel.words(command).contains(Kind.PROGRAM))
        .flatMap(command -> CompletionModel.options(command).stream())
        .filter(CompletionModel::takesValue)
        .flatMap(option -> Stream.of(option.names()))
        .collect(Collectors.joining(" "));
  }

  private static String line(String condition, String rest) {
    return "complete -c tproc -n " + quoted(condition) + " " + rest;
  }

  private static String option(OptionSpec option) {
    String names =
        Stream.of(option.names())
            .map(name -> name.startsWith("--") ? "-l " + name.substring(2) : "-s " + name.charAt(1))
            .collect(Collectors.joining(" "));
    return names + value(option) + " -d " + quoted(CompletionModel.about(option));
  }

  private static String value(OptionSpec option) {
    if (!CompletionModel.takesValue(option)) {
      return "";
    }
    return switch (CompletionModel.kind(option)) {
      case DIRECTORY -> " -x -a '(__fish_complete_directories)'";
      case SIGNAL -> " -x -a " + quoted(String.join(" ", CompletionModel.signals()));
      case CHOICE -> " -x -a " + quoted(String.join(" ", CompletionModel.choices(option)));
      default -> " -x";
    };
  }

  private static Stream<String> words(Kind kind, CommandLine command) {
    return switch (kind) {
      case SOCKET -> Stream.of("-a '(__tproc_sockets)'");
      case SOCKET_AND_PIDS -> Stream.of("-a '(__tproc_sockets)'", "-a '(__tproc_pids)'");
      case DIRECTORY -> Stream.of("-a '(__fish_complete_directories)'");
      case PROGRAM -> Stream.of("-a '(__fish_complete_subcommand --fcs-skip=2)'");
      case COMMAND ->
          Stream.of(
              "-a " + quoted(String.join(" ", command.getParent().getSubcommands().keySet())));
      case CHOICE -> Stream.of("-a " + quoted(String.join(" ", CompletionModel.choices(command))));
      default -> Stream.of();
    };
  }

  private static String quoted(String text) {
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'";
  }
}
