package io.tproc.cli;

import io.tproc.ThreadProc;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

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

  private final List<Runnable> restore = new ArrayList<>();
  private final ForegroundGroup foreground;

  /** Came before there was a program; under this object's monitor. */
  private final Queue<Integer> early = new ArrayDeque<>();

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

  private void handle(String name, IntConsumer action) {
    JvmSignals.handle(name, action).ifPresent(restore::add);
  }

  private void fromTerminal(int signal) {
    if (!foreground.contains(ProcessHandle.current().pid())) {
      forward(signal);
    }
  }

  synchronized void forward(int signal) {
    if (program == null) {
      early.add(signal);
    } else {
      program.signal(signal);
    }
  }

  /** From here on signals go to this program, first of all those that came too early. */
  synchronized void forwardTo(ThreadProc started) {
    program = started;
    for (Integer signal = early.poll(); signal != null; signal = early.poll()) {
      started.signal(signal);
    }
  }

  @Override
  public void close() {
    restore.forEach(Runnable::run);
  }
}
