package io.tproc.cli;

import io.tproc.cli.client.HostClient;
import io.tproc.cli.client.HostedProgram;
import io.tproc.cli.client.Listed;
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
      "MAPPED is the address space that a program has taken, RESIDENT what of it is in memory. LAUNCHER is who asked for"
          + " the program: a tproc-run with its pid and user, or the host itself.",
      "",
      "Exit status: 0, or 125 when the host cannot be asked."
    })
final class PsCommand extends HostCommand {
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
    Listed<HostedProgram> list = host.list();
    List<HostedProgram> programs =
        list.items().stream().sorted(Comparator.comparing(HostedProgram::started)).toList();
    output().print(json ? json(programs) : table(programs, UserNames.read(), wide));
    warnIfCut(list, "threadprocs");
    return 0;
  }

  static String table(List<HostedProgram> programs, UserNames users, boolean wide) {
    Table table =
        new Table(">PID", "STATE", ">MAPPED", ">RESIDENT", ">UPTIME", "LAUNCHER", "COMMAND");
    for (HostedProgram each : programs) {
      table.add(
          Integer.toString(each.pid()),
          state(each),
          Units.bytes(each.mapped()),
          Units.bytes(each.resident()),
          Units.time(each.uptime()),
          launcher(each, users),
          command(each, wide));
    }
    return table.toString();
  }

  private static String state(HostedProgram program) {
    return program.state().name().toLowerCase(Locale.ROOT);
  }

  private static String launcher(HostedProgram program, UserNames users) {
    if (program.launcher() == 0) {
      return "host";
    }
    String pid = program.launcher() > 0 ? Integer.toString(program.launcher()) : "elsewhere";
    return pid + " (" + users.of(program.user()) + ")";
  }

  private static String command(HostedProgram program, boolean wide) {
    String command = ShellText.command(program.command());
    if (!wide && command.length() > COMMAND_WIDTH) {
      return command.substring(0, COMMAND_WIDTH) + " ...";
    }
    return program.cut() ? command + " ..." : command;
  }

  static String json(List<HostedProgram> programs) {
    return Json.array(
        programs.stream()
            .map(
                each ->
                    new Json.JsonObject()
                        .add("pid", each.pid())
                        .add("state", state(each))
                        .add("mappedBytes", each.mapped())
                        .add("residentBytes", each.resident())
                        .add("started", each.started().toString())
                        .add("uptimeNanoseconds", each.uptime().toNanos())
                        .add("launcherPid", each.launcher())
                        .add("userId", each.user())
                        .add("argumentCount", each.argumentCount())
                        .add("commandCut", each.cut())
                        .add("command", each.command())
                        .toString())
            .toList());
  }
}
