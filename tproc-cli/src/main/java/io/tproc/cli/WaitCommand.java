package io.tproc.cli;

import static java.util.stream.Collectors.joining;

import io.tproc.ThreadProcStatus;
import io.tproc.cli.client.HostClient;
import io.tproc.spi.Listing;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tproc wait}: until a host listens, or threadprocs of it have ended. */
@Command(
    name = "wait",
    description =
        "Waits until a host answers at the socket; with process ids, until those threadprocs of it"
            + " have ended.",
    footer = {
      "",
      "Exit status: 0; 1 when that has not come true in time, or the host does not know a process"
          + " id: it has never been one of its threadprocs, or had ended and been released before;"
          + " 125 when the host cannot be asked."
    })
final class WaitCommand implements Callable<Integer> {
  private static final long MOST_SECONDS = 1_000_000_000;
  private static final long PAUSE_MILLIS = 50;
  private static final long LEAST_PATIENCE_NANOS = 100_000_000;
  private static final long MOST_PATIENCE_NANOS = 5_000_000_000L;

  @Spec @Nullable CommandSpec spec;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help and exit.")
  boolean help;

  @Option(
      names = {"-t", "--timeout"},
      paramLabel = "SECONDS",
      description =
          "How long to wait at most, 0 to 1000000000. Default: 30 for a host, no limit for threadprocs.")
  @Nullable Double timeout;

  @Parameters(
      arity = "0..*",
      hideParamSyntax = true,
      paramLabel = "[SOCKET] [PID...]",
      description = {HostCommand.SOCKET_HELP, "PID are the threadprocs' process ids."})
  List<String> words = new ArrayList<>();

  @Override
  public Integer call() throws Exception {
    CommandLine command = Objects.requireNonNull(spec).commandLine();
    if (timeout != null && !(timeout >= 0 && timeout <= MOST_SECONDS)) {
      throw new ParameterException(
          command, "seconds to wait out of range 0-" + MOST_SECONDS + ": " + timeout);
    }
    SocketAndPids asked = SocketAndPids.of(words, Integer.MAX_VALUE, command);
    return asked.pids().isEmpty() ? awaitHost(asked) : awaitEnds(asked);
  }

  private long deadline(double otherwise) {
    double seconds = timeout != null ? timeout : otherwise;
    long nanos = (long) Math.min(seconds * 1e9, (double) (Long.MAX_VALUE / 2));
    return System.nanoTime() + nanos;
  }

  private int awaitHost(SocketAndPids asked) throws InterruptedException {
    long deadline = deadline(30);
    while (true) {
      // One that is stopped has a socket, and does not answer.
      long left = Math.max(deadline - System.nanoTime(), LEAST_PATIENCE_NANOS);
      left = Math.min(left, MOST_PATIENCE_NANOS);
      try (HostClient host = HostClient.connect(asked.socket(), Duration.ofNanos(left))) {
        host.statuses();
        return 0;
      } catch (IOException notYet) {
        if (System.nanoTime() - deadline > 0) {
          complain(String.valueOf(notYet.getMessage()));
          return 1;
        }
      }
      Thread.sleep(PAUSE_MILLIS);
    }
  }

  private static Listing<ThreadProcStatus> statuses(SocketAndPids asked) throws IOException {
    try (HostClient host = HostClient.connect(asked.socket())) {
      return host.statuses();
    }
  }

  private static Set<Long> pids(Stream<ThreadProcStatus> statuses) {
    return statuses.map(ThreadProcStatus::pid).collect(Collectors.toSet());
  }

  /** What is not in a list that is cut may be in the rest. */
  private int complainOfUnknown(SocketAndPids asked, Listing<ThreadProcStatus> first) {
    Set<Long> known = pids(first.items().stream());
    if (known.size() < first.total()) {
      return 0;
    }
    List<Integer> unknown =
        asked.pids().stream().filter(pid -> !known.contains((long) pid)).toList();
    unknown.forEach(
        pid -> complain("no threadproc " + pid + ": there never was one, or it has ended before"));
    return unknown.isEmpty() ? 0 : 1;
  }

  /** A host that ends has ended its threadprocs, too. */
  private int awaitEnds(SocketAndPids asked) throws IOException, InterruptedException {
    long deadline = deadline(Double.MAX_VALUE);
    Listing<ThreadProcStatus> statuses = statuses(asked);
    int status = complainOfUnknown(asked, statuses);
    while (true) {
      Set<Long> running =
          pids(
              statuses.items().stream()
                  .filter(program -> program.state() != ThreadProcStatus.State.ENDED));
      List<Integer> left =
          asked.pids().stream().filter(pid -> running.contains((long) pid)).toList();
      if (left.isEmpty()) {
        return status;
      }
      if (System.nanoTime() - deadline > 0) {
        complain("still running: " + left.stream().map(String::valueOf).collect(joining(" ")));
        return 1;
      }
      Thread.sleep(PAUSE_MILLIS);
      statuses = statuses(asked);
    }
  }

  private void complain(String message) {
    Main.complain(Objects.requireNonNull(spec).commandLine().getErr(), message);
  }
}
