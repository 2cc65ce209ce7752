package io.tproc.it;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;

/** What tproc logs, from here until it is closed. */
final class LoggedLines extends Handler implements AutoCloseable {
  private static final Logger LOGGER = Logger.getLogger("io.tproc.jni");

  private final List<String> lines = new CopyOnWriteArrayList<>();

  private LoggedLines() {}

  static LoggedLines listen() {
    LoggedLines listening = new LoggedLines();
    LOGGER.addHandler(listening);
    return listening;
  }

  /** Waits for a line; says which there are instead when it does not come. */
  void await(String line) {
    Patience.untilNothingToComplainOf(
        Patience.seconds(20), () -> lines.contains(line) ? "" : line + " is not among " + lines);
  }

  @Override
  public void publish(LogRecord entry) {
    lines.add(new SimpleFormatter().formatMessage(entry));
  }

  @Override
  public void flush() {}

  @Override
  public void close() {
    LOGGER.removeHandler(this);
  }
}
