package io.tproc.cli;

import java.util.Optional;
import java.util.function.IntConsumer;

/**
 * This JVM's own signals. The only place that knows of {@code sun.misc.Signal}, which has no
 * successor in the JDK; and only inside of methods, since whatever declares it makes Javadoc warn.
 */
final class JvmSignals {
  private JvmSignals() {}

  /**
   * Takes over a signal. One that is ignored from the start (nohup) stays ignored: the JVM sees to
   * that.
   *
   * @param name without SIG
   * @param action gets the signal's number, in a thread of the JVM's
   * @return what gives the signal back; empty when the JVM keeps it for itself (java -Xrs), so that
   *     it ends the JVM
   */
  static Optional<Runnable> handle(String name, IntConsumer action) {
    sun.misc.Signal signal = new sun.misc.Signal(name);
    try {
      sun.misc.SignalHandler before =
          sun.misc.Signal.handle(signal, came -> action.accept(came.getNumber()));
      return Optional.of(() -> sun.misc.Signal.handle(signal, before));
    } catch (IllegalArgumentException reserved) {
      return Optional.empty();
    }
  }
}
