package io.tproc.cli;

import io.tproc.cli.client.HostClient;
import io.tproc.cli.client.HostGoneException;
import java.io.IOException;
import java.time.Duration;
import java.util.Objects;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** {@code tproc top}: what the threadprocs of a listening host do, again and again. */
@Command(
    name = "top",
    description =
        "Shows what the threadprocs of a listening host do, again and again: who uses most of the"
            + " CPU comes first.",
    footer = {
      "",
      "On a terminal the screen is refreshed, until q or ^C; elsewhere one table follows the other."
          + " MAPPED is the address space that a program has taken, RESIDENT what of it is in"
          + " memory. CPU%% is of one CPU, since the table before; in a program's first table, since"
          + " its start. A '-' stands for what cannot be known: of a program that has ended, or from"
          + " another pid namespace.",
      "",
      "Exit status: 0 after q, ^C, SIGTERM or COUNT tables, and when nobody reads them any more; 1"
          + " when the host has ended meanwhile; 125 when it cannot be asked."
    })
final class TopCommand extends WholeHostCommand {
  private static final double LEAST_DELAY = 0.1;
  private static final double MOST_DELAY = 1e6;

  /** A host that ended meanwhile. */
  private static final int HOST_HAS_ENDED = 1;

  @Option(
      names = {"--json"},
      description = "Print one JSON object on a line instead of each table.")
  boolean json;

  @Option(
      names = {"-n", "--count"},
      paramLabel = "COUNT",
      description = "Stop after so many tables. Default: go on.")
  long count = Long.MAX_VALUE;

  @Option(
      names = {"-d", "--delay"},
      paramLabel = "SECONDS",
      description = "The time between two tables, at least 0.1. Default: 2.")
  double delay = 2;

  @Override
  void check() {
    if (count < 1) {
      throw wrong("COUNT is " + count + ", and must be 1 or more");
    }
    if (!(delay >= LEAST_DELAY && delay <= MOST_DELAY)) {
      throw wrong("the delay is " + delay + " seconds, and must be 0.1 or more");
    }
  }

  private ParameterException wrong(String message) {
    return new ParameterException(Objects.requireNonNull(spec).commandLine(), message);
  }

  @Override
  int ask(HostClient host) throws IOException {
    TopSample first = TopSample.take(host, null);
    if (first.size() < first.total()) {
      complain("only " + first.size() + " of " + first.total() + " threadprocs are shown");
    }
    try (EndSignals signals = EndSignals.install();
        Display display = display(signals)) {
      return show(host, first, signals, display);
    } catch (HostGoneException gone) {
      complain("the host has ended: " + gone.getMessage());
      return HOST_HAS_ENDED;
    } catch (InterruptedException end) {
      Thread.currentThread().interrupt();
      return 0;
    }
  }

  /** Every host can list: one that refuses cannot be asked. */
  @Override
  int statusWhenRefused() {
    return ExitCodes.TPROC_FAILED;
  }

  private Display display(EndSignals signals) {
    return !json && TerminalDisplay.isTerminal(1)
        ? TerminalDisplay.open(signals::end)
        : Display.appended();
  }

  private int show(HostClient host, TopSample first, EndSignals signals, Display display)
      throws IOException, InterruptedException {
    Duration pause = Duration.ofNanos((long) (delay * 1e9));
    TopSample sample = first;
    for (long shown = 1; ; shown++) {
      output().print(json ? sample.json() : display.show(table(sample, display)));
      // The one may be over the other, which keeps its errors to itself.
      boolean nobodyReads = output().checkError() || System.out.checkError();
      if (nobodyReads || shown == count || signals.await(pause)) {
        return 0;
      }
      sample = TopSample.take(host, sample);
    }
  }

  private String table(TopSample sample, Display display) {
    return sample.table(Objects.requireNonNull(where).socket().toString(), display.width());
  }
}
