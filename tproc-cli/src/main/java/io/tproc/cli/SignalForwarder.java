package io.tproc.cli;

import io.tproc.ThreadProc;
import java.util.ArrayDeque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Queue;
import org.jspecify.annotations.Nullable;
import sun.misc.Signal;
import sun.misc.SignalHandler;

/**
 * Lets the program decide what a signal to {@code tproc run} means: the JVM does not die by it, but
 * goes on until the program has ended.
 *
 * <p>A terminal sends SIGINT (^C) and SIGHUP to its whole foreground process group, to which the
 * program belongs too: from there it has its own copy. Whatever was meant for the JVM alone is sent
 * on.
 */
final class SignalForwarder implements AutoCloseable {
  /** The signals that a terminal sends to all of its foreground process group. */
  private static final String[] FROM_TERMINAL = {"INT", "HUP"};

  private static final String[] DIRECT = {"TERM", "USR1"};

  private final Map<Signal, SignalHandler> before = new LinkedHashMap<>();
  private final ForegroundGroup foreground;

  /** Came before there was a program; under this object's monitor. */
  private final Queue<Signal> early = new ArrayDeque<>();

  private @Nullable ThreadProc program;

  private SignalForwarder(ForegroundGroup foreground) {
    this.foreground = foreground;
  }

  /** Takes over the signals of this JVM, until closed. */
  static SignalForwarder install() {
    SignalForwarder forwarder = new SignalForwarder(new ForegroundGroup());
    for (String name : FROM_TERMINAL) {
      forwarder.handle(name, forwarder::fromTerminal);
    }
    for (String name : DIRECT) {
      forwarder.handle(name, forwarder::forward);
    }
    return forwarder;
  }

  private void handle(String name, SignalHandler handler) {
    Signal signal = new Signal(name);
    try {
      before.put(signal, Signal.handle(signal, handler));
    } catch (IllegalArgumentException reserved) {
      // The JVM keeps it (java -Xrs): then it ends the JVM, and with it the program.
    }
  }

  private void fromTerminal(Signal signal) {
    if (!foreground.contains(ProcessHandle.current().pid())) {
      forward(signal);
    }
  }

  synchronized void forward(Signal signal) {
    if (program == null) {
      early.add(signal);
    } else {
      program.signal(signal.getNumber());
    }
  }

  /** From here on signals go to this program, first of all those that came too early. */
  synchronized void forwardTo(ThreadProc started) {
    program = started;
    for (Signal signal = early.poll(); signal != null; signal = early.poll()) {
      started.signal(signal.getNumber());
    }
  }

  @Override
  public void close() {
    before.forEach(Signal::handle);
  }
}
