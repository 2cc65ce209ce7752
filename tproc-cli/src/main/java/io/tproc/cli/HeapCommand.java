package io.tproc.cli;

import io.tproc.cli.client.HostClient;
import io.tproc.share.HeapUsage;
import io.tproc.share.HeapUsage.Use;
import java.io.IOException;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code tproc heap}: who has how much of a listening host's shared heap. */
@Command(
    name = "heap",
    description = "Shows who has how much of the shared heap of a listening host.",
    footer = {
      "",
      "BYTES is what a process's blocks have room for; LIMIT what it and the others of its launch may"
          + " have of these together. The last line has the sum; what is taken, with the room that"
          + " is kept for further blocks; what of it is in memory; and how large the heap may become."
          + " Blocks of a process that has ended stay until it is closed.",
      "",
      "Exit status: 0; 1 when the host has no shared heap; 125 when it cannot be asked."
    })
final class HeapCommand extends WholeHostCommand {
  @Option(
      names = {"--json"},
      description = "Print a JSON object instead of a table.")
  boolean json;

  @Override
  int ask(HostClient host) throws IOException {
    HeapUsage usage = host.heapUsage();
    List<Use> uses =
        usage.uses().stream()
            .sorted(Comparator.comparingLong(Use::bytes).reversed().thenComparing(Use::pid))
            .toList();
    output().print(json ? json(usage, uses) : table(usage, uses));
    return 0;
  }

  static String table(HeapUsage usage, List<Use> uses) {
    Table table = new Table(">PID", "OWNER", ">BLOCKS", ">BYTES", ">LIMIT");
    for (Use each : uses) {
      table.add(
          Long.toString(each.pid()),
          owner(each) + (each.ended() ? " (ended)" : ""),
          Long.toString(each.blocks()),
          Units.bytes(each.bytes()),
          each.limit() == 0 ? "-" : Units.bytes(each.limit()));
    }
    return table
        + "%s in blocks, %s taken, %s in memory, of %s%n"
            .formatted(
                Units.bytes(uses.stream().mapToLong(Use::bytes).sum()),
                Units.bytes(usage.taken()),
                usage.resident() == 0 ? "?" : Units.bytes(usage.resident()),
                Units.bytes(usage.size()));
  }

  private static String owner(Use use) {
    return use.owner().name().toLowerCase(Locale.ROOT);
  }

  static String json(HeapUsage usage, List<Use> uses) {
    return new Json.JsonObject()
            .add("sizeBytes", usage.size())
            .add("takenBytes", usage.taken())
            .add("residentBytes", usage.resident())
            .addObjects(
                "owners",
                uses.stream()
                    .map(
                        each ->
                            new Json.JsonObject()
                                .add("pid", each.pid())
                                .add("owner", owner(each))
                                .add("ended", each.ended())
                                .add("blocks", each.blocks())
                                .add("bytes", each.bytes())
                                .add("limit", each.limit()))
                    .toList())
        + System.lineSeparator();
  }
}
