package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.tproc.TprocHost;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Signals do not show in calls that no kernel lets them show in. */
@ExtendWith(HostExtension.class)
class InterruptedCallsIT {
  private static final String ROUNDS = Long.toString(Patience.scaled(1000));

  @Test
  void forksAreNotInterrupted(TprocHost host) throws Exception {
    assertThat(Outcome.hosted(host, Programs.probe("interrupted"), "fork", ROUNDS).output())
        .isEqualTo("0 failures\n");
  }

  @Test
  void aShellStartsManyJobs(TprocHost host) throws Exception {
    String jobs = "i=0; while [ $i -lt " + ROUNDS + " ]; do : & i=$((i+1)); done; wait; echo $i";
    Outcome outcome = Outcome.hosted(host, Programs.hostable("dash"), "-c", jobs);

    assertThat(outcome.error()).isEmpty();
    assertThat(outcome.output()).isEqualTo(ROUNDS + "\n");
  }
}
