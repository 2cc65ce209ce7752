package io.tproc.cli;

import static java.util.stream.Collectors.joining;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.IParameterExceptionHandler;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Where {@code tproc} starts. */
public final class Main {
  private Main() {}

  /**
   * Runs the command and ends the JVM with its status.
   *
   * @param arguments as on the command line
   */
  public static void main(String[] arguments) {
    CommandLine commandLine = commandLine(HostSupplier.INSTALLED);
    int status = commandLine.execute(arguments);
    commandLine.getOut().flush();
    if (!isReadByAnother()) {
      status = written(System.out, new FileOutputStream(FileDescriptor.out), status, commandLine);
    }
    System.exit(status);
  }

  /** Of a pipe or a socket: when it fails, whoever has read it wants no more of it. */
  private static boolean isReadByAnother() {
    try {
      String output = Files.readSymbolicLink(Path.of("/proc/self/fd/1")).toString();
      return output.startsWith("pipe:") || output.startsWith("socket:");
    } catch (IOException unknown) {
      return false;
    }
  }

  /**
   * The status of a command whose output may not have been written, and says so.
   *
   * @param output where the command has written
   * @param unbuffered the same file: a stream that has failed keeps the reason to itself
   */
  static int written(
      PrintStream output, OutputStream unbuffered, int status, CommandLine commandLine) {
    if (!output.checkError()) {
      return status;
    }
    try {
      unbuffered.write('\n');
    } catch (IOException lost) {
      complain(commandLine.getErr(), "cannot write the output: " + lost.getMessage());
      return ExitCodes.TPROC_FAILED;
    }
    complain(commandLine.getErr(), "a part of the output was not written");
    return ExitCodes.TPROC_FAILED;
  }

  static CommandLine commandLine(HostSupplier hosts) {
    CommandLine commandLine = new CommandLine(new TprocCommand());
    // Everything after PROGRAM is the program's, also what looks like our options.
    commandLine.addSubcommand(new CommandLine(new RunCommand(hosts)).setStopAtPositional(true));
    commandLine.addSubcommand(new ServeCommand(hosts));
    commandLine.addSubcommand(new PsCommand());
    commandLine.addSubcommand(new TopCommand());
    commandLine.addSubcommand(new MapsCommand());
    commandLine.addSubcommand(new RegistryCommand());
    commandLine.addSubcommand(new HeapCommand());
    commandLine.addSubcommand(new GdbCommand());
    commandLine.addSubcommand(new KillCommand());
    commandLine.addSubcommand(new WaitCommand());
    commandLine.addSubcommand(help());
    commandLine.addSubcommand(new LauncherCommand(LauncherFile.installed()));
    commandLine.addSubcommand(new UnpackLibraryCommand());
    commandLine.addSubcommand(new CheckCommand(hosts));
    commandLine.addSubcommand(new CompletionCommand());
    // "@file" is an argument like any other. What is set here, from here on holds for the
    // subcommands too.
    commandLine.setExpandAtFiles(false);
    commandLine.setParameterExceptionHandler(USAGE_ERROR);
    commandLine.setExecutionExceptionHandler(FAILURE);
    return commandLine;
  }

  /** picocli's own, which the other commands' tests want to name its exit status, too. */
  private static CommandLine help() {
    CommandLine help = new CommandLine(new HelpCommand());
    help.getCommandSpec().usageMessage().description("Shows the help of tproc, or of a command.");
    help.getCommandSpec().usageMessage().footer("", "Exit status: 0.");
    return help;
  }

  private static final IParameterExceptionHandler USAGE_ERROR =
      (wrong, arguments) -> {
        CommandLine command = wrong.getCommandLine();
        complain(command.getErr(), String.valueOf(wrong.getMessage()));
        if (!suggest(wrong, command)) {
          UnmatchedArgumentException.printSuggestions(wrong, command.getErr());
        }
        command.getErr().println("Try '" + command.getCommandSpec().qualifiedName() + " --help'.");
        return ExitCodes.TPROC_FAILED;
      };

  /** A command's own name is meant; picocli's suggestions, which come next, know options, too. */
  private static boolean suggest(ParameterException wrong, CommandLine command) {
    if (!(wrong instanceof UnmatchedArgumentException unmatched)
        || unmatched.getUnmatched().isEmpty()) {
      return false;
    }
    List<String> similar =
        Typo.of(unmatched.getUnmatched().get(0), command.getSubcommands().keySet());
    if (similar.isEmpty()) {
      return false;
    }
    String names = similar.stream().map(each -> "tproc " + each).collect(joining(" or "));
    command.getErr().println("Did you mean: " + names + "?");
    return true;
  }

  /** Whatever a command does not handle itself: one line, no stack trace. */
  private static final IExecutionExceptionHandler FAILURE =
      (failure, command, arguments) -> {
        String message = failure.getMessage();
        complain(command.getErr(), message != null ? message : failure.toString());
        return ExitCodes.TPROC_FAILED;
      };

  static void complain(PrintWriter errors, String message) {
    errors.println("tproc: " + ShellText.escaped(message));
    errors.flush();
  }
}
