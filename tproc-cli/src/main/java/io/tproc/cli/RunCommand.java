package io.tproc.cli;

import io.tproc.CrashReport;
import io.tproc.LaunchException;
import io.tproc.ThreadProc;
import io.tproc.ThreadProcBuilder;
import io.tproc.TprocHost;
import java.io.File;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tproc run}: hosts one program, with the terminal's streams, and ends as it ends. */
@Command(
    name = "run",
    description = "Hosts one program in this JVM and exits with its status.",
    footer = {
      "",
      "Exit status: the program's; 128+N when signal N killed it; 127 when it is not found, 126 when it cannot be hosted,"
          + " 125 when tproc itself fails. SIGTERM goes on to the program."
    })
final class RunCommand implements Callable<Integer> {
  /**
   * The library's, which would say a second time what is said here, or something between the lines
   * of a program that executes another one as it does natively.
   */
  private static final Logger LIBRARY = Logger.getLogger("io.tproc.jni");

  @Spec @Nullable CommandSpec spec;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help and exit; only before PROGRAM.")
  boolean help;

  @Option(
      names = {"-C", "--directory"},
      paramLabel = "DIR",
      description = "Run the program in this directory.")
  @Nullable File directory;

  @Option(
      names = {"-e", "--env"},
      paramLabel = "NAME=VALUE",
      description = "Set an environment variable of the program; can be repeated.")
  Map<String, String> environment = new LinkedHashMap<>();

  @Option(
      names = {"--crash-report"},
      description =
          "Say where the program was when it crashes. No debugger can attach to it meanwhile.")
  boolean crashReport;

  @Option(
      names = {"--stay"},
      description =
          "The program may not execute another one in its place, with which it would leave the"
              + " address space.")
  boolean stay;

  @Option(
      names = {"--heap-limit"},
      paramLabel = "BYTES",
      converter = ByteCount.class,
      description =
          "How much of the shared heap the program and its children may own: 500K, 64M, 2G.")
  @Nullable Long heapLimit;

  @Parameters(
      index = "0",
      paramLabel = "PROGRAM",
      description = "A path, or a name to look up in PATH.")
  String program = "";

  @Parameters(
      index = "1..*",
      paramLabel = "ARGS",
      description = "The program's arguments, all of them.")
  List<String> arguments = new ArrayList<>();

  private final HostSupplier hosts;

  RunCommand(HostSupplier hosts) {
    this.hosts = hosts;
  }

  @Override
  public Integer call() throws Exception {
    if (directory != null && !directory.isDirectory()) {
      return fail(ExitCodes.TPROC_FAILED, "not a directory: " + directory);
    }
    // First of all, so that a signal which comes while the host opens is not lost.
    try (SignalForwarder forwarder = SignalForwarder.install();
        TprocHost host = hosts.open()) {
      return run(host, forwarder);
    } catch (LaunchException failure) {
      return fail(ExitCodes.ofLaunchFailure(failure.errno()), String.valueOf(failure.getMessage()));
    }
  }

  private int run(TprocHost host, SignalForwarder forwarder) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(program);
    command.addAll(arguments);
    LIBRARY.setLevel(crashReport ? Level.SEVERE : Level.WARNING);
    ThreadProcBuilder builder = host.command(command).directory(directory).inheritIO();
    builder.crashReport(crashReport).stay(stay);
    if (heapLimit != null) {
      builder.heapLimit(heapLimit);
    }
    builder.environment().putAll(environment);
    try (ThreadProc started = builder.start()) {
      forwarder.forwardTo(started);
      int exitValue = started.waitForExit().exitValue();
      started.crashReport().ifPresent(this::explain);
      return exitValue;
    }
  }

  private void explain(CrashReport crash) {
    if (spec != null) {
      Main.complain(spec.commandLine().getErr(), program + " crashed: " + crash);
      Main.complain(spec.commandLine().getErr(), crash.registersText());
    }
  }

  private int fail(int code, String message) {
    if (spec != null) {
      Main.complain(spec.commandLine().getErr(), message);
    }
    return code;
  }
}
