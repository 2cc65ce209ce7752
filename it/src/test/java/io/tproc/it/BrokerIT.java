package io.tproc.it;

import static io.tproc.Signals.SIGCONT;
import static io.tproc.Signals.SIGSTOP;
import static org.assertj.core.api.Assertions.assertThat;

import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import java.io.BufferedReader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The broker serves all programs of a host, and waits for none of them. */
@ExtendWith(HostExtension.class)
class BrokerIT {

  @Test
  void doesNotWaitForStoppedPrograms(TprocHost host) throws Exception {
    List<ThreadProc> stopped = new ArrayList<>();
    try {
      for (int i = 0; i < 8; i++) {
        ThreadProc program = host.command(Programs.probe("storm"), "4").start();
        stopped.add(program);
        assertThat(program.inputReader().readLine()).isEqualTo("busy");
      }
      for (ThreadProc program : stopped) {
        assertThat(program.signal(SIGSTOP)).isTrue(); // amid a call, with luck in several threads
        Patience.untilNothingToComplainOf(
            Patience.seconds(10), () -> stateOf(program) == 'T' ? "" : "not stopped yet");
      }

      assertThat(Outcome.hosted(host, Programs.probe("threads"), "4").output()).isEqualTo("4\n");
      assertThat(Outcome.hosted(host, Programs.probe("descendant"), "all").values())
          .containsEntry("itself", "0");

      stopped.get(0).signal(SIGCONT);
      Patience.untilNothingToComplainOf(
          Patience.seconds(10), () -> stateOf(stopped.get(0)) == 'T' ? "still stopped" : "");
    } finally {
      stopped.forEach(ThreadProc::close);
    }
  }

  private static char stateOf(ThreadProc program) {
    return Processes.of(program.pid()).map(Processes.State::state).orElse('?');
  }

  /** A mapping of a FIFO's or of a file that others hold open is not waited for either. */
  @Test
  void servesManyAtOnce(TprocHost host, @TempDir Path directory) throws Exception {
    try (ThreadProc storm = host.command(Programs.probe("storm"), "8").start();
        BufferedReader output = storm.inputReader()) {
      assertThat(output.readLine()).isEqualTo("busy");
      assertThat(Outcome.hosted(host, Programs.probe("mapping"), directory.toString()))
          .isEqualTo(Outcome.natively(Programs.probe("mapping"), directory.toString()));
      assertThat(storm.isAlive()).isTrue();
    }
  }
}
