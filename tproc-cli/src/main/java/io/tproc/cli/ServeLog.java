package io.tproc.cli;

import io.tproc.ExitStatus;
import io.tproc.ExitStatus.Exited;
import io.tproc.ExitStatus.Signalled;
import io.tproc.ThreadProcStatus;
import io.tproc.TprocListener;
import io.tproc.cli.client.HostClient;
import io.tproc.cli.client.HostGoneException;
import io.tproc.cli.client.ProgramEvent;
import io.tproc.cli.client.ProgramEvent.Crashed;
import io.tproc.cli.client.ProgramEvent.Ended;
import io.tproc.cli.client.ProgramEvent.Leaving;
import io.tproc.cli.client.ProgramEvent.Left;
import io.tproc.cli.client.ProgramEvent.Started;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * What {@code tproc serve -v} writes. It is a client like any other, so a log that nobody reads
 * keeps no program waiting: the host hangs up, and lines are missing.
 */
final class ServeLog implements Runnable {
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSX", Locale.ROOT)
          .withZone(ZoneOffset.UTC);

  private final TprocListener listener;
  private final PrintWriter log;
  private final UserNames users = UserNames.read();
  private HostClient host;

  private ServeLog(TprocListener listener, PrintWriter log, HostClient host) {
    this.listener = listener;
    this.log = log;
    this.host = host;
  }

  /** Misses no program that is started after its return. */
  static void start(TprocListener listener, PrintWriter log) throws IOException {
    Thread thread = new Thread(new ServeLog(listener, log, watch(listener)), "tproc-serve-log");
    thread.setDaemon(true);
    thread.start();
  }

  private static HostClient watch(TprocListener listener) throws IOException {
    HostClient host = HostClient.connect(listener.socket());
    try {
      host.watch();
      return host;
    } catch (Throwable failed) {
      host.close();
      throw failed;
    }
  }

  @Override
  public void run() {
    try {
      while (listener.isOpen() && !log.checkError()) {
        Optional<ProgramEvent> event = host.nextEvent();
        if (event.isPresent()) {
          lines(event.get(), users).forEach(log::println);
        } else {
          host.close();
          host = watch(listener);
          remark("lines are missing, since they were not read in time");
        }
      }
    } catch (HostGoneException ended) {
      // As it should be.
    } catch (IOException failed) {
      if (listener.isOpen()) {
        remark("ends here: " + failed.getMessage());
      }
    } finally {
      host.close();
      log.flush();
    }
  }

  private void remark(String text) {
    log.println(TIME.format(Instant.now()) + " log " + text);
  }

  static List<String> lines(ProgramEvent event, UserNames users) {
    if (event instanceof Started started) {
      return List.of(line(started, users));
    }
    if (event instanceof Crashed crashed) {
      return lines(crashed);
    }
    if (event instanceof Left left) {
      return List.of(line(left));
    }
    return List.of(line((Ended) event));
  }

  private static String line(Started started, UserNames users) {
    ThreadProcStatus status = started.status();
    return line(
        status.startedAt(),
        "start",
        status.pid(),
        " by " + PsCommand.launcher(status, users),
        PsCommand.command(status, false));
  }

  private static List<String> lines(Crashed crashed) {
    String where = ShellText.escaped(crashed.where());
    String first = line(crashed.crashedAt(), "crash", crashed.pid(), "", where);
    String registers = ShellText.escaped(crashed.registers());
    return registers.isEmpty()
        ? List.of(first)
        : List.of(first, line(crashed.crashedAt(), "registers", crashed.pid(), "", registers));
  }

  private static String line(Left left) {
    boolean refused = left.how() == Leaving.REFUSED;
    return line(
        left.seenAt(),
        refused ? "refused" : "left",
        left.pid(),
        "",
        switch (left.how()) {
          case LEFT -> "has executed another program, and left the address space";
          case REFUSED -> "wanted to execute another program, and was started to stay";
          case AT_START -> "an ordinary process: the fixed addresses that it needs were taken";
        });
  }

  private static String line(Ended ended) {
    String how = ended.status().map(ServeLog::words).orElse("the status cannot be known");
    return line(ended.endedAt(), "end", ended.pid(), "", how + " after " + seconds(ended.uptime()));
  }

  private static String line(Instant at, String what, long pid, String more, String text) {
    return TIME.format(at) + " " + what + " " + pid + more + ": " + text;
  }

  /** How a program ended, in words. */
  static String words(ExitStatus status) {
    if (status instanceof Exited exited) {
      return "exit status " + exited.code();
    }
    Signalled killed = (Signalled) status;
    return "killed by " + killed.signalName() + (killed.coreDumped() ? " (core dumped)" : "");
  }

  private static String seconds(Duration time) {
    return String.format(Locale.ROOT, "%.3f s", time.toNanos() / 1e9);
  }
}
