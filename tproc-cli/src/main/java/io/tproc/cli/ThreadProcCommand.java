package io.tproc.cli;

import io.tproc.ThreadProcStatus;
import io.tproc.cli.client.HostClient;
import java.io.IOException;
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

  /**
   * Refuses one that has executed another program: what the host has of it is the old one's.
   *
   * @return whether it has left, which has then been said
   */
  boolean hasLeft(HostClient host) throws IOException {
    boolean left =
        host.statuses().items().stream()
            .anyMatch(each -> each.pid() == pid() && each.state() == ThreadProcStatus.State.LEFT);
    if (left) {
      complain(
          pid()
              + " has executed another program, and left the address space: it is an ordinary"
              + " process now, of which the host knows nothing more");
    }
    return left;
  }

  int pid() {
    return pids().get(0);
  }
}
