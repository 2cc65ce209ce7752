package io.tproc.cli;

import io.tproc.MemoryMapping;
import io.tproc.cli.client.HostClient;
import io.tproc.spi.Listing;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code tproc gdb}: the debugger, told where a threadproc's files are. */
@Command(
    name = "gdb",
    description =
        "Attaches gdb to a threadproc of a listening host, with the symbols of its program and"
            + " libraries.",
    footer = {
      "",
      "Exit status: gdb's; 1 when the host has no such threadproc, or it has left the address"
          + " space; 125 when the host cannot be"
          + " asked, or gdb cannot be started."
    })
final class GdbCommand extends ThreadProcCommand {
  @Option(
      names = {"--script"},
      description = "Print what gdb would be told, and do not start it.")
  boolean script;

  @Option(
      names = {"--gdb"},
      paramLabel = "FILE",
      description = "The debugger. Default: gdb.")
  String gdb = "gdb";

  @Option(
      names = {"--start"},
      description =
          "The program has been started with tproc-run --hold: let it go to its first instruction,"
              + " and stop there.")
  boolean start;

  @Option(
      names = {"--batch"},
      description = "End after the commands of --ex, and let the program go on.")
  boolean batch;

  @Option(
      names = {"--ex"},
      paramLabel = "COMMAND",
      description = "A command of gdb's to begin with; can be repeated.")
  List<String> commands = new ArrayList<>();

  @Override
  int ask(HostClient host) throws IOException {
    if (hasLeft(host)) {
      return 1;
    }
    Listing<MemoryMapping> list = host.mappings(pid());
    host.close(); // a session may last for days
    warnIfCut(list, "mappings");
    String text = GdbScript.of(pid(), list.items());
    if (start) {
      text += GdbScript.start(pid(), list.items());
    }
    if (script) {
      output().print(text);
      return 0;
    }
    return run(text);
  }

  private int run(String text) throws IOException {
    Path file = Files.createTempFile("tproc-", ".gdb");
    try {
      Files.writeString(file, text);
      // ^C is for the program that gdb holds: gdb takes it, and this JVM does not.
      Optional<Runnable> unused = JvmSignals.handle("INT", number -> {});
      return new ProcessBuilder(debugger(file)).inheritIO().start().waitFor();
    } catch (InterruptedException never) {
      throw new InterruptedIOException("waiting for " + gdb);
    } finally {
      Files.deleteIfExists(file);
    }
  }

  private List<String> debugger(Path file) {
    // libthread_db would look for threads in the host's libc. An empty path would be gdb's own.
    List<String> command =
        new ArrayList<>(List.of(gdb, "-q", "-iex", "set libthread-db-search-path /dev/null"));
    if (batch) {
      command.add("-batch");
    }
    command.addAll(List.of("-x", file.toString()));
    for (String each : commands) {
      command.addAll(List.of("-ex", each));
    }
    return command;
  }
}
