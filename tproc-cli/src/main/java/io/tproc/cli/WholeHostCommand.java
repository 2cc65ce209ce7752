package io.tproc.cli;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Parameters;

/** A command about all that a listening host has. */
abstract class WholeHostCommand extends HostCommand {
  @Parameters(
      arity = "0..*",
      hideParamSyntax = true,
      paramLabel = "[SOCKET]",
      description = SOCKET_HELP)
  List<String> words = new ArrayList<>();

  @Override
  List<String> words() {
    return words;
  }
}
