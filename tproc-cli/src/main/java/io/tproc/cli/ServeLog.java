package io.tproc.cli;

import io.tproc.ExitStatus;
import io.tproc.ExitStatus.Exited;
import io.tproc.ExitStatus.Signalled;
import io.tproc.Signals;
import io.tproc.ThreadProcStatus;
import io.tproc.TprocListener;
import io.tproc.cli.client.HostClient;
import io.tproc.cli.client.HostGoneException;
import io.tproc.cli.client.ProgramEvent;
import io.tproc.cli.client.ProgramEvent.Ended;
import io.tproc.cli.client.ProgramEvent.Started;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * What {@code tproc serve -v} writes. It is a client like any other, so a log that nobody reads
 * keeps no program waiting: the host hangs up, and lines are missing.
 */
final class ServeLog implements Runnable {
  /** A program that dies of one of these has done something wrong; of others, it was killed. */
  private static final Set<Integer> CRASHES =
      Set.of(
          Signals.SIGILL,
          Signals.SIGTRAP,
          Signals.SIGABRT,
          Signals.SIGBUS,
          Signals.SIGFPE,
          Signals.SIGSEGV,
          Signals.SIGSYS);

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
          log.println(line(event.get(), users));
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

  static String line(ProgramEvent event, UserNames users) {
    if (event instanceof Started started) {
      ThreadProcStatus status = started.status();
      return TIME.format(status.startedAt())
          + " start "
          + status.pid()
          + " by "
          + PsCommand.launcher(status, users)
          + ": "
          + PsCommand.command(status, false);
    }
    Ended ended = (Ended) event;
    return TIME.format(ended.endedAt())
        + " "
        + what(ended.status())
        + " "
        + ended.pid()
        + ": "
        + ended.status().map(ServeLog::words).orElse("the status cannot be known")
        + " after "
        + seconds(ended.uptime());
  }

  private static String what(Optional<ExitStatus> status) {
    boolean crashed =
        status.isPresent()
            && status.get() instanceof Signalled killed
            && CRASHES.contains(killed.signal());
    return crashed ? "crash" : "end";
  }

  /** How a program ended, in words. */
  static String words(ExitStatus status) {
    if (status instanceof Exited exited) {
      return "exit status " + exited.code();
    }
    Signalled killed = (Signalled) status;
    return killed.signalName() + (killed.coreDumped() ? " (core dumped)" : "");
  }

  private static String seconds(Duration time) {
    return String.format(Locale.ROOT, "%.3f s", time.toNanos() / 1e9);
  }
}
