package io.tproc.cli;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Parameters;

/** A command about one threadproc of a listening host. */
abstract class ThreadProcCommand extends HostCommand {
  @Parameters(
      arity = "0..*",
      hideParamSyntax = true,
      paramLabel = "[SOCKET] PID",
      description = {SOCKET_HELP, "PID is the threadproc's process id."})
  List<String> words = new ArrayList<>();

  ThreadProcCommand() {
    super(1, 1);
  }

  @Override
  List<String> words() {
    return words;
  }

  int pid() {
    return pids().get(0);
  }
}
