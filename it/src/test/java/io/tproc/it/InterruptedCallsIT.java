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
    assertThat(Outcome.hosted(host, Programs.probe("interrupted"), "fork", ROUNDS))
        .returns("0 failures\n", Outcome::output);
  }

  /** Of a constant path, and of what execvp finds in PATH. */
  @Test
  void executionsAreNotInterrupted(TprocHost host) throws Exception {
    assertThat(Outcome.hosted(host, Programs.probe("interrupted"), "execute", ROUNDS))
        .returns("0 failures\n", Outcome::output);
  }

  /** Also in a program that has the path of its own executable among them, which is asked for. */
  @Test
  void constantPathsAreOpenedWithoutInterruption(TprocHost host) throws Exception {
    String rounds = Long.toString(Patience.scaled(20_000));
    assertThat(Outcome.hosted(host, Programs.probe("constants"), rounds))
        .returns("0 failures, itself\n", Outcome::output);
  }

  /** A call that is interrupted before the broker hears of it must not cost libc its heap. */
  @Test
  void heapsGrow(TprocHost host) throws Exception {
    String rounds = Long.toString(Patience.scaled(10));
    assertThat(Outcome.hosted(host, Programs.probe("interrupted"), "heap", rounds))
        .returns("0 failures\n", Outcome::output);
  }

  @Test
  void aShellStartsManyJobs(TprocHost host) throws Exception {
    String jobs = "i=0; while [ $i -lt " + ROUNDS + " ]; do : & i=$((i+1)); done; wait; echo $i";
    Outcome outcome = Outcome.hosted(host, Programs.hostable("dash"), "-c", jobs);

    assertThat(outcome).returns("", Outcome::error);
    assertThat(outcome).returns(ROUNDS + "\n", Outcome::output);
  }
}
