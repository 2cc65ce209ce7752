package io.tproc.cli;

import io.tproc.cli.client.HostClient;
import io.tproc.cli.client.RefusedException;
import io.tproc.spi.Listing;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What the commands that talk to a listening host have in common. */
abstract class HostCommand implements Callable<Integer> {
  @Spec @Nullable CommandSpec spec;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help and exit.")
  boolean help;

  /** What the user is told of SOCKET. */
  static final String SOCKET_HELP =
      "Where the host listens. Default: $TPROC_SOCKET, else $XDG_RUNTIME_DIR/tproc.sock.";

  /** SOCKET, if it is named, and pids. */
  @Nullable SocketAndPids where;

  private final int leastPids;
  private final int mostPids;

  /** A command that takes no pids. */
  HostCommand() {
    this(0, 0);
  }

  HostCommand(int leastPids, int mostPids) {
    this.leastPids = leastPids;
    this.mostPids = mostPids;
  }

  @Override
  public Integer call() throws Exception {
    CommandLine command = Objects.requireNonNull(spec).commandLine();
    SocketAndPids asked = SocketAndPids.of(words(), mostPids, command);
    if (asked.pids().size() < leastPids) {
      throw new ParameterException(command, "PID is missing: a threadproc's process id");
    }
    check();
    where = asked;
    try (HostClient host = HostClient.connect(asked.socket(), this::complain)) {
      int status = ask(host);
      output().flush();
      return status;
    } catch (RefusedException refused) {
      complain(String.valueOf(refused.getMessage()));
      return statusWhenRefused();
    }
  }

  /** The exit status when the host refuses what it is asked for. */
  int statusWhenRefused() {
    return 1;
  }

  /** The words of the command line that are no options. */
  abstract List<String> words();

  List<Integer> pids() {
    return Objects.requireNonNull(where).pids();
  }

  /** Refuses what the options say with a {@link ParameterException}, before the host is asked. */
  void check() {}

  /** Does the work; returns the exit status. */
  abstract int ask(HostClient host) throws IOException;

  PrintWriter output() {
    return Objects.requireNonNull(spec).commandLine().getOut();
  }

  void complain(String message) {
    Main.complain(Objects.requireNonNull(spec).commandLine().getErr(), message);
  }

  /** Says so when a list was too long for one answer. */
  void warnIfCut(Listing<?> list, String what) {
    if (list.items().size() < list.total()) {
      complain("only " + list.items().size() + " of " + list.total() + " " + what + " are shown");
    }
  }
}
