package io.tproc.cli;

import io.tproc.cli.client.HostClient;
import io.tproc.share.Registration;
import io.tproc.spi.Listing;
import java.io.IOException;
import java.util.Comparator;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code tproc registry}: what is published in a listening host. */
@Command(
    name = "registry",
    description = "Lists what a listening host and its programs have published by name.",
    footer = {
      "",
      "OWNER is the process that has published it. STATE is 'live', or how its owner has ended, of"
          + " what is kept nevertheless.",
      "",
      "Exit status: 0; 1 when the host has no shared memory; 125 when it cannot be asked."
    })
final class RegistryCommand extends WholeHostCommand {
  @Option(
      names = {"--json"},
      description = "Print a JSON array instead of a table.")
  boolean json;

  @Override
  int ask(HostClient host) throws IOException {
    Listing<Registration> list = host.registrations();
    List<Registration> entries =
        list.items().stream().sorted(Comparator.comparing(Registration::name)).toList();
    output().print(json ? json(entries) : table(entries));
    warnIfCut(list, "publications");
    return 0;
  }

  static String table(List<Registration> entries) {
    Table table = new Table("NAME", "TYPE", ">ADDRESS", ">SIZE", ">VERSION", ">OWNER", "STATE");
    for (Registration each : entries) {
      table.add(
          ShellText.escaped(each.name()),
          each.type().isEmpty() ? "-" : ShellText.escaped(each.type()),
          Long.toHexString(each.address()),
          Units.bytes(each.size()),
          Integer.toUnsignedString(each.version()),
          Long.toString(each.pid()),
          state(each));
    }
    return table.toString();
  }

  private static String state(Registration entry) {
    return entry.ended().map(ServeLog::words).orElse("live");
  }

  static String json(List<Registration> entries) {
    return Json.array(
        entries.stream()
            .map(
                each ->
                    new Json.JsonObject()
                        .add("name", each.name())
                        .add("type", each.type())
                        .add("address", each.address())
                        .add("size", each.size())
                        .add("version", Integer.toUnsignedLong(each.version()))
                        .add("owner", each.pid())
                        .add("kept", each.kept())
                        .add("ended", each.ended().isPresent())
                        .add("state", state(each))
                        .toString())
            .toList());
  }
}
