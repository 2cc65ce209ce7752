package io.tproc.cli;

import io.tproc.Finding;
import io.tproc.TprocUnavailableException;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code tproc check}: what this machine offers, and whether that is enough. */
@Command(
    name = "check",
    description =
        "Shows what this machine offers for hosting programs, and ends with one verdict line.",
    footer = {"", "Exit status: 0 when this machine can host programs, 1 when it cannot."})
final class CheckCommand implements Callable<Integer> {
  @Spec @Nullable CommandSpec spec;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help and exit.")
  boolean help;

  @Option(
      names = {"--json"},
      description = "Print one JSON object instead of a table.")
  boolean json;

  private final HostSupplier hosts;

  CheckCommand(HostSupplier hosts) {
    this.hosts = hosts;
  }

  @Override
  public Integer call() {
    Report report;
    try {
      List<Finding> findings = hosts.check();
      report = Report.of(findings);
    } catch (TprocUnavailableException impossible) {
      report = Report.impossible(String.valueOf(impossible.getMessage()));
    }
    if (spec != null) {
      PrintWriter output = spec.commandLine().getOut();
      output.print(json ? report.toJson() : report.toTable());
      output.flush();
    }
    return report.canHost() ? 0 : 1;
  }
}
