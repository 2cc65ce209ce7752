package io.tproc.cli;

import java.io.PrintWriter;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code tproc launcher}: where only the jar is, the launcher comes out of it. */
@Command(
    name = "launcher",
    description =
        "Prints the path of tproc-run, the launcher for this machine, after unpacking it from the"
            + " jar where that has not been done yet.",
    footer = {
      "",
      "It is kept in $XDG_CACHE_HOME/tproc, or in .cache/tproc in your home directory:",
      "  ln -s \"$(java -jar tproc.jar launcher)\" ~/bin/tproc-run",
      "",
      "Exit status: 0, or 125 when it cannot be unpacked."
    })
final class LauncherCommand implements Callable<Integer> {
  @Spec @Nullable CommandSpec spec;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help and exit.")
  boolean help;

  private final LauncherFile launcher;

  LauncherCommand(LauncherFile launcher) {
    this.launcher = launcher;
  }

  @Override
  public Integer call() throws Exception {
    PrintWriter output = Objects.requireNonNull(spec).commandLine().getOut();
    output.println(launcher.unpack());
    output.flush();
    return 0;
  }
}
