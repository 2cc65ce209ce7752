package io.tproc.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import picocli.CommandLine;

/** Runs the command line in this JVM, with hosts of the test's own. */
final class Cli {
  private final StringWriter output = new StringWriter();
  private final StringWriter errors = new StringWriter();
  private final CommandLine commandLine;

  Cli(HostSupplier hosts) {
    commandLine =
        Main.commandLine(hosts)
            .setOut(new PrintWriter(output, true))
            .setErr(new PrintWriter(errors, true));
  }

  int run(String... arguments) {
    return commandLine.execute(arguments);
  }

  CommandLine commandLine() {
    return commandLine;
  }

  String output() {
    return output.toString();
  }

  String errors() {
    return errors.toString();
  }
}
