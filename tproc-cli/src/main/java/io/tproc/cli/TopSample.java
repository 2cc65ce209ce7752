package io.tproc.cli;

import io.tproc.ThreadProcStatus;
import io.tproc.ThreadProcStatus.State;
import io.tproc.cli.client.HostClient;
import io.tproc.spi.Listing;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/** The threadprocs of a host at one moment, and what they have done since another one. */
final class TopSample {
  private static final String UNKNOWN = "-";

  /** Between the clone and the moment that the host takes for the start. */
  private static final Duration START_DIFFERENCE = Duration.ofSeconds(2);

  private final Instant time;
  private final long nanoTime;
  private final List<Row> rows;
  private final long total;

  private TopSample(Instant time, long nanoTime, List<Row> rows, long total) {
    this.time = time;
    this.nanoTime = nanoTime;
    this.rows = rows;
    this.total = total;
  }

  /**
   * One threadproc.
   *
   * @param usage empty when it has ended, or is a process that cannot be seen from here (another
   *     pid namespace)
   * @param cpuPercent of one CPU
   */
  private record Row(
      ThreadProcStatus status, Optional<ProcessUsage> usage, OptionalDouble cpuPercent) {}

  /** Asks a host; {@code before} is what it said last, or null. */
  static TopSample take(HostClient host, @Nullable TopSample before) throws IOException {
    Optional<Duration> from = ProcessUsage.sinceBoot();
    Listing<ThreadProcStatus> list = host.statuses();
    Optional<Duration> to = ProcessUsage.sinceBoot();
    Instant time = Instant.now();
    long nanoTime = System.nanoTime();
    Map<Long, Row> earlier = new HashMap<>();
    if (before != null) {
      before.rows.forEach(row -> earlier.put(row.status.pid(), row));
    }
    Duration elapsed = Duration.ofNanos(before == null ? 0 : nanoTime - before.nanoTime);
    List<Row> rows =
        list.items().stream()
            .map(
                status -> {
                  Optional<ProcessUsage> usage =
                      ProcessUsage.of(status.pid())
                          .filter(found -> isThatOf(status, found, from, to, time));
                  return new Row(
                      status, usage, cpuPercent(status, usage, earlier.get(status.pid()), elapsed));
                })
            .sorted(
                Comparator.comparingDouble((Row row) -> -row.cpuPercent.orElse(-1))
                    .thenComparing(row -> row.status.startedAt()))
            .toList();
    return new TopSample(time, nanoTime, rows, list.total());
  }

  /**
   * Whether a process of that pid is the threadproc, and no other of another pid namespace: it has
   * to have started then. The host's clock stands still while the machine sleeps, and the clock on
   * the wall can be set, so one of both is enough.
   */
  private static boolean isThatOf(
      ThreadProcStatus status,
      ProcessUsage found,
      Optional<Duration> from,
      Optional<Duration> to,
      Instant time) {
    if (from.isEmpty() || to.isEmpty()) {
      return false;
    }
    Duration earliest = from.get().minus(status.uptime()).minus(START_DIFFERENCE);
    Duration latest = to.get().minus(status.uptime()).plus(START_DIFFERENCE);
    boolean byUptime =
        found.start().compareTo(earliest) >= 0 && found.start().compareTo(latest) <= 0;
    Instant start = time.minus(to.get().minus(found.start()));
    return byUptime
        || Duration.between(start, status.startedAt()).abs().compareTo(START_DIFFERENCE) <= 0;
  }

  /** Since the sample before; of a threadproc that was not in it, since its start. */
  private static OptionalDouble cpuPercent(
      ThreadProcStatus status,
      Optional<ProcessUsage> usage,
      @Nullable Row before,
      Duration elapsed) {
    if (usage.isEmpty()) {
      return OptionalDouble.empty();
    }
    boolean same =
        before != null
            && before.usage.isPresent()
            && before.status.startedAt().equals(status.startedAt());
    Duration used = usage.get().cpu();
    if (same && before != null) {
      return percent(used.minus(before.usage.orElseThrow().cpu()), elapsed);
    }
    return percent(used, status.uptime());
  }

  static OptionalDouble percent(Duration used, Duration elapsed) {
    return elapsed.isZero() || elapsed.isNegative()
        ? OptionalDouble.empty()
        : OptionalDouble.of(100.0 * used.toNanos() / elapsed.toNanos());
  }

  /** A line about all, and a table, each line cut to a width. */
  String table(String socket, int width) {
    Table table =
        new Table(">PID", "STATE", ">THREADS", ">MAPPED", ">RESIDENT", ">CPU%", "COMMAND");
    for (Row each : rows) {
      table.add(
          Long.toString(each.status.pid()),
          PsCommand.state(each.status),
          each.usage.map(usage -> Integer.toString(usage.threads())).orElse(UNKNOWN),
          Units.bytes(each.status.mapped()),
          Units.bytes(each.status.resident()),
          each.cpuPercent.isPresent() ? oneDigit(each.cpuPercent.getAsDouble()) : UNKNOWN,
          PsCommand.command(each.status, false));
    }
    String text = summary(socket) + System.lineSeparator() + table;
    StringBuilder cut = new StringBuilder();
    text.lines()
        .forEach(
            line ->
                cut.append(line, 0, Math.min(line.length(), width)).append(System.lineSeparator()));
    return cut.toString();
  }

  private String summary(String socket) {
    long running = rows.stream().filter(row -> row.status.state() == State.RUNNING).count();
    double cpu = rows.stream().mapToDouble(row -> row.cpuPercent.orElse(0)).sum();
    return String.format(
        Locale.ROOT,
        "%s  %s  %d threadproc%s, %d running, %s%% CPU",
        time.truncatedTo(ChronoUnit.SECONDS),
        ShellText.escaped(socket),
        total,
        total == 1 ? "" : "s",
        running,
        oneDigit(cpu));
  }

  private static String oneDigit(double number) {
    return String.format(Locale.ROOT, "%.1f", number);
  }

  /** An object on one line. */
  String json() {
    List<Json.JsonObject> programs = rows.stream().map(TopSample::json).toList();
    return new Json.JsonObject()
            .add("time", time.toString())
            .add("total", total)
            .addObjects("threadprocs", programs)
        + "\n";
  }

  private static Json.JsonObject json(Row row) {
    ThreadProcStatus status = row.status;
    Json.JsonObject object =
        new Json.JsonObject().add("pid", status.pid()).add("state", PsCommand.state(status));
    row.usage.ifPresentOrElse(
        usage ->
            object.add("threads", usage.threads()).add("cpuNanoseconds", usage.cpu().toNanos()),
        () -> object.addNull("threads").addNull("cpuNanoseconds"));
    if (row.cpuPercent.isPresent()) {
      object.add("cpuPercent", row.cpuPercent.getAsDouble());
    } else {
      object.addNull("cpuPercent");
    }
    return object
        .add("mappedBytes", status.mapped())
        .add("residentBytes", status.resident())
        .add("uptimeNanoseconds", status.uptime().toNanos())
        .add("commandCut", status.commandCut())
        .add("command", status.command());
  }

  /** How many threadprocs are in it. */
  int size() {
    return rows.size();
  }

  /** How many the host has, of which the list may be a part. */
  long total() {
    return total;
  }
}
