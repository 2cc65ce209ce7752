package io.tproc.cli;

import static io.tproc.Signals.SIGTERM;
import static io.tproc.Signals.SIGUSR1;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.never;
import static org.mockito.Mockito.timeout;
import static org.mockito.Mockito.verify;

import io.tproc.ThreadProc;
import org.junit.jupiter.api.Test;
import sun.misc.Signal;

class SignalForwarderTest {
  private static final long MILLISECONDS = 20_000;

  private final ThreadProc program = mock(ThreadProc.class);

  @Test
  void signalsOfThisJvmGoToTheProgram() {
    try (SignalForwarder forwarder = SignalForwarder.install()) {
      forwarder.forwardTo(program);

      Signal.raise(new Signal("TERM"));
      verify(program, timeout(MILLISECONDS)).signal(SIGTERM);
      Signal.raise(new Signal("USR1"));
      verify(program, timeout(MILLISECONDS)).signal(SIGUSR1);
    }
  }

  @Test
  void whatCameBeforeTheProgramIsDeliveredOnce() {
    try (SignalForwarder forwarder = SignalForwarder.install()) {
      forwarder.forward(SIGTERM);
      verify(program, never()).signal(SIGTERM);

      forwarder.forwardTo(program);
      verify(program).signal(SIGTERM);
    }
  }
}
