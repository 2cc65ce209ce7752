package io.tproc.cli;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code tproc} itself: only leads to the subcommands. */
@Command(
    name = "tproc",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = "Hosts unmodified native programs in one shared address space.")
final class TprocCommand implements Runnable {
  @Spec @Nullable CommandSpec spec;

  @Override
  public void run() {
    if (spec != null) {
      throw new ParameterException(
          spec.commandLine(),
          "a subcommand is needed: "
              + String.join(", ", spec.commandLine().getSubcommands().keySet()));
    }
  }
}
