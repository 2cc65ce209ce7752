package io.tproc.cli;

import io.tproc.MemoryMapping;
import io.tproc.cli.client.HostClient;
import io.tproc.spi.Listing;
import java.io.IOException;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code tproc maps}: the memory of one threadproc of a listening host. */
@Command(
    name = "maps",
    description = "Lists what a threadproc of a listening host has mapped.",
    footer = {
      "",
      "Each line: the first address and the one after the last, what is allowed (read, write,"
          + " execute; private or shared), the size, and the file or purpose.",
      "",
      "Exit status: 0; 1 when the host has no such threadproc, or it has left the address"
          + " space; 125 when the host cannot be asked."
    })
final class MapsCommand extends ThreadProcCommand {
  @Option(
      names = {"--json"},
      description = "Print a JSON array instead of a table.")
  boolean json;

  @Override
  int ask(HostClient host) throws IOException {
    if (hasLeft(host)) {
      return 1;
    }
    Listing<MemoryMapping> list = host.mappings(pid());
    output().print(json ? json(list.items()) : table(list.items()));
    warnIfCut(list, "mappings");
    return 0;
  }

  static String table(List<MemoryMapping> mappings) {
    Table table = new Table("ADDRESS", "MODE", ">SIZE", "NAME");
    for (MemoryMapping each : mappings) {
      table.add(
          "%012x-%012x".formatted(each.address(), each.address() + each.size()),
          each.permissions(),
          Units.bytes(each.size()),
          ShellText.escaped(each.name()));
    }
    return table.toString();
  }

  static String json(List<MemoryMapping> mappings) {
    return Json.array(
        mappings.stream()
            .map(
                each ->
                    new Json.JsonObject()
                        .add("address", each.address())
                        .add("size", each.size())
                        .add("readable", each.readable())
                        .add("writable", each.writable())
                        .add("executable", each.executable())
                        .add("shared", each.shared())
                        .add("name", each.name())
                        .toString())
            .toList());
  }
}
