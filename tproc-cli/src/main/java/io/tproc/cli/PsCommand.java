package io.tproc.cli;

import io.tproc.ThreadProcStatus;
import io.tproc.cli.client.HostClient;
import io.tproc.spi.Listing;
import java.io.IOException;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code tproc ps}: the threadprocs of a listening host. */
@Command(
    name = "ps",
    description = "Lists the threadprocs of a listening host.",
    footer = {
      "",
      "MAPPED is the address space that a program has taken, RESIDENT what of it is in memory."
          + " LAUNCHER is who asked for the program: a tproc-run with its pid and user, or the host"
          + " itself.",
      "",
      "Exit status: 0, or 125 when the host cannot be asked."
    })
final class PsCommand extends WholeHostCommand {
  private static final int COMMAND_WIDTH = 120;

  @Option(
      names = {"--json"},
      description = "Print a JSON array instead of a table.")
  boolean json;

  @Option(
      names = {"-w", "--wide"},
      description = "Do not cut commands at " + COMMAND_WIDTH + " characters.")
  boolean wide;

  @Override
  int ask(HostClient host) throws IOException {
    Listing<ThreadProcStatus> list = host.statuses();
    List<ThreadProcStatus> programs =
        list.items().stream().sorted(Comparator.comparing(ThreadProcStatus::startedAt)).toList();
    output().print(json ? json(programs) : table(programs, UserNames.read(), wide));
    warnIfCut(list, "threadprocs");
    return 0;
  }

  /** Every host can list: one that refuses cannot be asked. */
  @Override
  int statusWhenRefused() {
    return ExitCodes.TPROC_FAILED;
  }

  static String table(List<ThreadProcStatus> programs, UserNames users, boolean wide) {
    Table table =
        new Table(">PID", "STATE", ">MAPPED", ">RESIDENT", ">UPTIME", "LAUNCHER", "COMMAND");
    for (ThreadProcStatus each : programs) {
      table.add(
          Long.toString(each.pid()),
          state(each),
          Units.bytes(each.mapped()),
          Units.bytes(each.resident()),
          Units.time(each.uptime()),
          launcher(each, users),
          command(each, wide));
    }
    return table.toString();
  }

  static String state(ThreadProcStatus program) {
    return program.state().name().toLowerCase(Locale.ROOT);
  }

  static String launcher(ThreadProcStatus program, UserNames users) {
    if (!program.launched()) {
      return "host";
    }
    String pid = program.launcher().isPresent() ? "" + launcherPid(program) : "elsewhere";
    return pid + " (" + users.of(program.uid()) + ")";
  }

  /** 0: the host itself; -1: a launcher in a pid namespace that the host cannot see. */
  private static long launcherPid(ThreadProcStatus program) {
    return program.launched() ? program.launcher().orElse(-1) : 0;
  }

  static String command(ThreadProcStatus program, boolean wide) {
    String command = ShellText.command(program.command());
    if (!wide && command.length() > COMMAND_WIDTH) {
      return command.substring(0, COMMAND_WIDTH) + " ...";
    }
    return program.commandCut() ? command + " ..." : command;
  }

  static String json(List<ThreadProcStatus> programs) {
    return Json.array(
        programs.stream()
            .map(
                each ->
                    new Json.JsonObject()
                        .add("pid", each.pid())
                        .add("state", state(each))
                        .add("mappedBytes", each.mapped())
                        .add("residentBytes", each.resident())
                        .add("started", each.startedAt().toString())
                        .add("uptimeNanoseconds", each.uptime().toNanos())
                        .add("launcherPid", launcherPid(each))
                        .add("userId", each.uid())
                        .add("argumentCount", each.argumentCount())
                        .add("commandCut", each.commandCut())
                        .add("command", each.command())
                        .toString())
            .toList());
  }
}
