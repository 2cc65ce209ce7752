package io.tproc.cli;

import io.tproc.cli.client.HostClient;
import io.tproc.spi.Listing;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** What the commands that talk to a listening host have in common. */
abstract class HostCommand implements Callable<Integer> {
  @Spec @Nullable CommandSpec spec;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help and exit.")
  boolean help;

  @Parameters(index = "0", paramLabel = "SOCKET", description = "Where the host listens.")
  Path socket = Path.of("");

  @Override
  public Integer call() throws Exception {
    try (HostClient host = HostClient.connect(socket)) {
      int status = ask(host);
      output().flush();
      return status;
    }
  }

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
