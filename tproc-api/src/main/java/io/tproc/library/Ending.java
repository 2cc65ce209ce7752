package io.tproc.library;

import io.tproc.ExitStatus;
import io.tproc.ExitStatus.Exited;
import io.tproc.ExitStatus.Signalled;
import io.tproc.Signals;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How an instance ended.
 *
 * @param library its name
 * @param status the exit of its process
 * @param crash what its handler wrote down
 * @param cause why we ended it; null when it ended by itself
 */
record Ending(String library, ExitStatus status, Optional<Crash> crash, @Nullable Cause cause) {

  /**
   * Why an instance is ended on purpose.
   *
   * @param kind what has happened
   * @param thread who asked for it
   * @param text in words
   */
  record Cause(Kind kind, Thread thread, String text) {
    enum Kind {
      TIMEOUT,
      INTERRUPT,
      CLOSE,
      TORN
    }
  }

  /**
   * Has the JVM link all that an ending needs. A call that a full stack cuts off ends where there
   * is hardly any stack, and what newer JVMs cannot link there they never link again.
   */
  static void rehearse() {
    for (Cause.Kind kind : Cause.Kind.values()) {
      rehearse(new Cause(kind, Thread.currentThread(), ""));
    }
    rehearse(null);
  }

  private static void rehearse(@Nullable Cause cause) {
    Ending ending = new Ending("", new Signalled(Signals.SIGKILL, false), Optional.empty(), cause);
    Throwable unused = ending.exception("");
    unused = ending.stale("");
  }

  String text() {
    if (cause != null) {
      return cause.text;
    }
    if (status instanceof Exited exited) {
      return "it called exit(" + exited.code() + ")";
    }
    String signal = status instanceof Signalled signalled ? signalled.signalName() : "";
    return signal + crash.map(where -> ", " + where).orElse("");
  }

  LibraryCrashedException exception(String function) {
    String text = text();
    String message =
        text.startsWith(function + " ")
            ? library + ": " + text
            : library + ": " + function + " did not return: " + text;
    if (cause != null && cause.thread.equals(Thread.currentThread())) {
      switch (cause.kind) {
        case TIMEOUT -> {
          return new LibraryTimeoutException(message, status);
        }
        case INTERRUPT -> {
          return new LibraryInterruptedException(message, status);
        }
        default -> {}
      }
    }
    return new LibraryCrashedException(message, status, crash);
  }

  StaleLibraryException stale(String what) {
    return new StaleLibraryException(
        what + " belongs to an instance of " + library + " that has ended: " + text());
  }
}
