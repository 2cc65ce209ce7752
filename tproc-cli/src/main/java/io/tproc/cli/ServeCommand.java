package io.tproc.cli;

import io.tproc.TprocListener;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tproc serve}: a host for launchers, until a signal ends it. */
@Command(
    name = "serve",
    description =
        "Makes this process a host that listens at a Unix socket: tproc-run SOCKET PROGRAM runs"
            + " programs in its address space.",
    footer = {
      "",
      "The socket's directory must be yours, and writable by no other user: $XDG_RUNTIME_DIR is. When"
          + " the host listens, one line on standard output says so. SIGTERM, SIGINT (^C) and"
          + " SIGHUP end it: the programs that launchers have started are killed, the launchers are"
          + " told, and the socket is removed.",
      "",
      "Exit status: 0 when such a signal has ended it, 125 when it cannot host or listen."
    })
final class ServeCommand implements Callable<Integer> {
  @Spec @Nullable CommandSpec spec;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help and exit.")
  boolean help;

  @Parameters(
      arity = "0..1",
      paramLabel = "SOCKET",
      description =
          "Where to listen. A socket that a dead host has left there is replaced. Default:"
              + " $TPROC_SOCKET, else $XDG_RUNTIME_DIR/tproc.sock.")
  @Nullable Path socket;

  private final HostSupplier hosts;

  ServeCommand(HostSupplier hosts) {
    this.hosts = hosts;
  }

  @Override
  public Integer call() throws Exception {
    CommandLine command = Objects.requireNonNull(spec).commandLine();
    Path place = socket != null ? socket : SocketAndPids.defaultSocket(command);
    // First of all, so that a signal which comes while the host opens ends it in order too.
    try (EndSignals signals = EndSignals.install()) {
      // Closed by the end of the JVM, which does not wait for a launch that hangs, as close()
      // would.
      TprocListener listener = hosts.open().listen(place);
      PrintWriter output = command.getOut();
      output.println(
          "listening at " + listener.socket() + ", process " + ProcessHandle.current().pid());
      output.flush();
      signals.await();
      return 0;
    }
  }
}
