package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.tproc.ExitStatus.Signalled;
import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Programs that never rest, killed at a random moment of their lives: nothing is leaked, and the
 * broker goes on answering. {@code bench/run storm} does it 5,000 times.
 */
@ExtendWith(HostExtension.class)
class KillStormIT {
  private static final int LAUNCHES = 400;
  private static final int TOGETHER = 4;

  /** From before a program's first instruction to well into its loop. */
  private static final int LIFE_MICROSECONDS_MAX = 4000;

  @Test
  void leavesNothingBehind(TprocHost host) throws Exception {
    storm(host, 20);
    Resources before = Resources.now();

    storm(host, Patience.scaled(LAUNCHES));

    assertThat(Outcome.hosted(host, Programs.probe("threads"), "3").output()).isEqualTo("3\n");
    before.assertAsBefore();
  }

  private static void storm(TprocHost host, long launches) throws Exception {
    Random random = new Random(launches);
    Queue<ThreadProc> alive = new ArrayDeque<>();
    for (long i = 0; i < launches; i++) {
      alive.add(host.command(Programs.probe("storm"), "2").start());
      // Not to wait for something, but to be at a random place.
      LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(random.nextInt(LIFE_MICROSECONDS_MAX)));
      if (alive.size() == TOGETHER) {
        kill(alive.remove());
      }
    }
    while (!alive.isEmpty()) {
      kill(alive.remove());
    }
  }

  private static void kill(ThreadProc program) throws Exception {
    try (program) {
      assertThat(program.exitStatus()).as("before it was killed").isEmpty();
      program.destroyForcibly();
      assertThat(program.waitForExit()).isEqualTo(new Signalled(9, false));
    }
  }
}
