package io.tproc.cli;

import io.tproc.TprocHost;
import io.tproc.TprocListener;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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
          + " told, and the socket is removed. A second such signal ends it at once.",
      "",
      "A socket that systemd passes on (LISTEN_FDS) is taken when SOCKET is not given, and is not"
          + " removed. systemd is told when the host listens and when it ends.",
      "",
      "With --prepare and --prepare-ready a line more for each program says how many wait, and how much memory each takes;"
          + " with -v the last line of each says how many starts got one.",
      "",
      "Exit status: 0 when such a signal has ended it, 125 when it cannot host, listen or prepare."
    })
final class ServeCommand implements Callable<Integer> {
  @Spec @Nullable CommandSpec spec;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help and exit.")
  boolean help;

  @Option(
      names = {"-v", "--verbose"},
      description =
          "Write a line to standard error for each program that starts, ends, leaves the address"
              + " space, or crashes with a crash report.")
  boolean verbose;

  @Option(
      names = {"--prepare"},
      paramLabel = "COUNT:PROGRAM",
      converter = Preparation.Converter.class,
      description =
          "Start so many of the program ahead, and keep them waiting for launchers; can be repeated.")
  List<Preparation> preparations = new ArrayList<>();

  @Option(
      names = {"--prepare-ready"},
      paramLabel = "'COUNT:PROGRAM ARGUMENT...'",
      hideParamSyntax = true,
      converter = Preparation.CommandConverter.class,
      description =
          "The same of a program that cooperates: with these arguments, which spaces separate, it runs"
              + " until it calls tproc_ready, and launchers whose command begins so get it; can be"
              + " repeated. What it writes meanwhile goes to standard error.")
  List<Preparation> readyPreparations = new ArrayList<>();

  @Parameters(
      arity = "0..1",
      paramLabel = "SOCKET",
      description =
          "Where to listen. A socket that a dead host has left there is replaced. Default:"
              + " the socket passed on by systemd, else $TPROC_SOCKET, else $XDG_RUNTIME_DIR/tproc.sock.")
  @Nullable String socket;

  private final HostSupplier hosts;

  ServeCommand(HostSupplier hosts) {
    this.hosts = hosts;
  }

  @Override
  public Integer call() throws Exception {
    CommandLine command = Objects.requireNonNull(spec).commandLine();
    boolean inherits = socket == null && InheritedSocket.isThere(command);
    @Nullable Path place = inherits ? null : place(command);
    // First of all, so that a signal which comes while the host opens ends it in order too.
    try (EndSignals signals = EndSignals.install()) {
      // Closed by the end of the JVM, which does not wait for a launch that hangs, as close()
      // would.
      TprocHost host = hosts.open();
      Preparation.makeAll(host, preparations);
      Preparation.makeAll(host, readyPreparations);
      TprocListener listener =
          place != null ? host.listen(place) : host.listenInherited(InheritedSocket.DESCRIPTOR);
      if (verbose) {
        ServeLog.start(listener, command.getErr());
      }
      Path listening = listener.socket();
      PrintWriter output = command.getOut();
      output.println("listening at " + listening + ", process " + ProcessHandle.current().pid());
      if (prepares()) {
        host.prepared().forEach(each -> output.println(Preparation.ready(each)));
      }
      output.flush();
      notifyService("READY=1\nSTATUS=listening at " + ShellText.escaped(listening.toString()));
      signals.await();
      notifyService("STOPPING=1");
      if (verbose && prepares()) {
        host.prepared().forEach(each -> command.getErr().println(Preparation.outcome(each)));
        command.getErr().flush();
      }
      return 0;
    }
  }

  private boolean prepares() {
    return !preparations.isEmpty() || !readyPreparations.isEmpty();
  }

  private Path place(CommandLine command) {
    return socket != null
        ? SocketAndPids.socket(socket, command)
        : SocketAndPids.defaultSocket(command);
  }

  /** The host is one, whether its service manager hears of it or not. */
  private void notifyService(String state) {
    try {
      hosts.notifyService(state);
    } catch (IOException failed) {
      CommandLine command = Objects.requireNonNull(spec).commandLine();
      Main.complain(command.getErr(), String.valueOf(failed.getMessage()));
    }
  }
}
