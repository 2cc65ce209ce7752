package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tproc.ExitStatus.Exited;
import io.tproc.LaunchException;
import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Launches leave no descriptor, zombie, thread, mapping or address space behind. {@code bench/run
 * leak} does the same thousands of times, beside a control run.
 */
@ExtendWith(HostExtension.class)
class LeaksIT {
  private static final long LAUNCHES = Patience.scaled(500);

  /** The JVM loads classes and starts threads of its own on the first launches. */
  @BeforeEach
  void warmUp(TprocHost host) throws Exception {
    for (int i = 0; i < 5; i++) {
      assertThat(Outcome.hosted(host, Programs.nothing()).exitValue).isZero();
      try (ThreadProc program = host.command(Programs.probe("waiter")).start()) {
        program.inputReader().readLine();
      }
    }
  }

  @Test
  void programsThatEnd(TprocHost host) throws Exception {
    Resources before = Resources.now();
    for (long i = 0; i < LAUNCHES; i++) {
      try (ThreadProc program = host.command(Programs.nothing()).start()) {
        assertThat(program.waitForExit()).isEqualTo(new Exited(0));
      }
    }
    before.assertAsBefore();
  }

  @Test
  void programsWhoseOutputIsRead(TprocHost host) throws Exception {
    Resources before = Resources.now();
    for (long i = 0; i < LAUNCHES / 4; i++) {
      assertThat(Outcome.hosted(host, Programs.probe("arguments"), "x").exitValue).isZero();
    }
    before.assertAsBefore();
  }

  @Test
  void programsThatAreKilledAtOnce(TprocHost host) throws Exception {
    Resources before = Resources.now();
    for (long i = 0; i < LAUNCHES / 2; i++) {
      host.command(Programs.probe("waiter")).start().close();
    }
    before.assertAsBefore();
  }

  @Test
  void programsWithThreadsAndMemory(TprocHost host) throws Exception {
    Resources before = Resources.now();
    for (long i = 0; i < LAUNCHES / 5; i++) {
      assertThat(Outcome.hosted(host, Programs.probe("threads"), "3"))
          .returns("3\n", Outcome::output);
    }
    before.assertAsBefore();
  }

  /** They end with 16 MiB of malloc in use and three threads that have not ended. */
  @Test
  void programsThatGiveNothingBack(TprocHost host) throws Exception {
    Resources before = Resources.now();
    for (long i = 0; i < LAUNCHES / 5; i++) {
      try (ThreadProc program = host.command(Programs.probe("weight")).start()) {
        assertThat(program.waitForExit()).isEqualTo(new Exited(0));
      }
    }
    before.assertAsBefore();
  }

  @Test
  void interpreters(TprocHost host) throws Exception {
    String python = Programs.installed("python3");
    String[] command = {python, "-I", "-S", "-c", "import json, threading; print(json.dumps([1]))"};
    assertThat(Outcome.hosted(host, command).output()).isEqualTo("[1]\n");
    Resources before = Resources.now();
    for (long i = 0; i < Patience.scaled(20); i++) {
      assertThat(Outcome.hosted(host, command).output()).isEqualTo("[1]\n");
    }
    before.assertAsBefore();
  }

  @Test
  void programsThatCrash(TprocHost host) throws Exception {
    Resources before = Resources.now();
    for (int i = 0; i < 20; i++) {
      try (ThreadProc program = host.command(Programs.sample("crash"), "segv").start()) {
        program.waitForExit();
      }
    }
    before.assertAsBefore();
  }

  @Test
  void programsAliveTogether(TprocHost host) throws Exception {
    Resources before = Resources.now();
    List<ThreadProc> programs = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      programs.add(host.command(Programs.probe("waiter")).start());
    }
    assertThat(host.running()).hasSize(50);
    programs.forEach(ThreadProc::close);
    before.assertAsBefore();
  }

  @Test
  void handlesThatNobodyKeeps(TprocHost host) throws Exception {
    Resources before = Resources.now();
    for (int i = 0; i < 50; i++) {
      host.command(Programs.nothing()).start().waitForExit();
    }
    Patience.untilNothingToComplainOf(
        Patience.seconds(30),
        () -> {
          System.gc();
          try {
            before.assertAsBefore();
            return "";
          } catch (AssertionError e) {
            return e.getMessage();
          }
        });
  }

  @Test
  void programsThatCannotBeStarted(TprocHost host) {
    assertThatThrownBy(() -> host.command("/no/such/program").start())
        .isInstanceOf(LaunchException.class);
    Resources before = Resources.now();
    for (long i = 0; i < LAUNCHES; i++) {
      assertThatThrownBy(() -> host.command("/no/such/program").start())
          .isInstanceOf(LaunchException.class);
      assertThatThrownBy(() -> host.command(Programs.probe("nothing"), "a".repeat(1 << 18)).start())
          .isInstanceOf(LaunchException.class);
    }
    before.assertAsBefore();
  }

  @Test
  void hostsThatAreClosed() throws Exception {
    TprocHost.open().close();
    Resources before = Resources.now();
    for (int i = 0; i < 10; i++) {
      try (TprocHost host = TprocHost.open()) {
        host.command(Programs.probe("waiter")).start();
        Outcome.hosted(host, Programs.nothing());
      }
    }
    before.assertAsBefore();
  }
}
