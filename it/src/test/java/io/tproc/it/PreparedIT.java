package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tproc.Errno;
import io.tproc.LaunchException;
import io.tproc.PreparedProgram;
import io.tproc.PreparedProgram.Depth;
import io.tproc.ThreadProc;
import io.tproc.ThreadProcBuilder;
import io.tproc.ThreadProcStatus;
import io.tproc.ThreadProcStatus.State;
import io.tproc.TprocHost;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Programs that are started ahead behave as others do. */
@ExtendWith(HostExtension.class)
class PreparedIT {
  private static PreparedProgram only(TprocHost host) {
    assertThat(host.prepared()).hasSize(1);
    return host.prepared().get(0);
  }

  @Test
  void aPreparedProgramGetsWhatItsStartHas(TprocHost host, @TempDir Path directory)
      throws Exception {
    String shell = Programs.hostable("sh");
    host.command(shell).prepare(2);
    assertThat(only(host)).returns(2, PreparedProgram::ready).returns("", PreparedProgram::problem);
    assertThat(only(host).resident()).isPositive();

    ThreadProcBuilder builder = host.command(shell, "-c", "echo $WORD $1; pwd; umask", "name", "x");
    builder.environment().put("WORD", "late");
    builder.directory(directory).umask(0027);
    assertThat(Outcome.of(builder.start(), ""))
        .returns("late x\n" + directory.toRealPath() + "\n0027\n", Outcome::output);
    assertThat(only(host)).returns(1L, PreparedProgram::started);
    host.command(shell).prepare(0);
  }

  @Test
  void noneIsLeftWhenNoneIsWanted(TprocHost host) throws Exception {
    String shell = Programs.hostable("sh");
    host.command(shell).prepare(1, Duration.ofHours(1));
    host.command(shell).prepare(0);

    assertThat(host.prepared()).isEmpty();
    assertThat(Outcome.hosted(host, shell, "-c", "echo x")).returns("x\n", Outcome::output);
  }

  @Test
  void whatCannotBePreparedIsSaid(TprocHost host) {
    assertThatThrownBy(() -> host.command("/no/such/program").prepare(1))
        .isInstanceOf(LaunchException.class)
        .hasMessageContaining("prepare /no/such/program: open /no/such/program");
    assertThatThrownBy(() -> host.command("true").prepare(-1))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void nothingIsLeftOfThoseThatAreNeverUsed(TprocHost host) throws Exception {
    String shell = Programs.hostable("sh");
    host.command(shell).prepare(2);
    host.command(shell).prepare(0);
    Outcome.hosted(host, Programs.nothing());
    Resources before = Resources.now();
    for (int i = 0; i < 20; i++) {
      host.command(shell).prepare(5);
      assertThat(only(host)).returns(5, PreparedProgram::ready);
      host.command(shell).prepare(0);
    }
    before.assertAsBefore();
  }

  @Test
  void thoseThatAreTooOldAreReplaced(TprocHost host) throws Exception {
    String shell = Programs.hostable("sh");
    host.command(shell).prepare(2);
    host.command(shell).prepare(0);
    Resources before = Resources.now();
    host.command(shell).prepare(2, Duration.ofMillis(20));
    assertThat(Patience.until(Patience.seconds(60), () -> only(host).expired() >= 20)).isTrue();
    assertThat(only(host).wanted()).isEqualTo(2);
    assertThat(Processes.children()).hasSizeLessThan(20);
    assertThat(Outcome.hosted(host, shell, "-c", "echo x")).returns("x\n", Outcome::output);
    host.command(shell).prepare(0);
    before.assertAsBefore();
  }

  @Test
  void memoryOfEachIsReported(TprocHost host) throws Exception {
    String shell = Programs.hostable("sh");
    host.command(shell).prepare(4);
    PreparedProgram prepared = only(host);
    host.command(shell).prepare(0);

    assertThat(prepared.resident() / prepared.ready()).isBetween(4096L, 64L << 20);
    assertThat(prepared.mapped()).isGreaterThanOrEqualTo(prepared.resident());
  }

  @Test
  void thereAreNoMoreThanAHostMayHave(TprocHost host) {
    assertThatThrownBy(() -> host.command(Programs.nothing()).prepare(257))
        .isInstanceOf(LaunchException.class)
        .hasMessageContaining("257 of them: 256 of all kinds are the most");
    assertThat(host.prepared()).isEmpty();
  }

  @Test
  void aProgramThatSpillsIsNoneThatWasPrepared(TprocHost host) throws Exception {
    String program = Programs.probe("waiter-fixed");
    host.command(program).prepare(1);
    try (ThreadProc first = host.command(program).spill(true).start();
        ThreadProc second = host.command(program).spill(true).start()) {
      assertThat(first.inputReader().readLine()).isEqualTo("ready");
      assertThat(second.inputReader().readLine()).isEqualTo("ready");
      assertThat(only(host).started()).isEqualTo(1);
      assertThat(host.statuses())
          .filteredOn(each -> each.state() == State.LEFT)
          .singleElement()
          .returns(second.pid(), ThreadProcStatus::pid);
    }
    host.command(program).prepare(0);
  }

  /** Its files have to be a moment older than what is made of them. */
  static void untilOlder(Preparation preparation) throws Exception {
    while (true) {
      try {
        preparation.prepare();
        return;
      } catch (LaunchException failed) {
        if (failed.errno() != Errno.EAGAIN) {
          throw failed;
        }
      }
    }
  }

  interface Preparation {
    void prepare() throws Exception;
  }

  @Test
  void aProgramThatRunsAheadGetsWhatItsStartHas(TprocHost host, @TempDir Path directory)
      throws Exception {
    String program = Programs.probe("ready_cpp");
    untilOlder(() -> host.command(program, "loads").prepareUntilReady(2));
    assertThat(only(host))
        .returns(Depth.READY, PreparedProgram::depth)
        .returns(program + " loads", PreparedProgram::program)
        .returns(2, PreparedProgram::ready);

    ThreadProcBuilder builder = host.command(program, "loads", "a", "b c");
    builder.environment().put("WORD", "late");
    builder.directory(directory).umask(0027);
    ThreadProc started = builder.start();
    assertThat(Outcome.of(started, "line\n"))
        .returns(
            String.join(
                "\n",
                "waited 500500",
                "a",
                "b c",
                "late",
                "27",
                directory.toRealPath().toString(),
                "line",
                started.pid() + "\n"),
            Outcome::output)
        .returns("", Outcome::error);
    assertThat(only(host)).returns(1L, PreparedProgram::started);
    assertThat(Outcome.hosted(host, program, "other").output()).startsWith("ordinary 500500\n");
    host.command(program, "loads").prepareUntilReady(0);
    assertThat(host.prepared()).isEmpty();
  }

  @Test
  void whyAProgramIsNotReadyIsSaid(TprocHost host) {
    String program = Programs.probe("ready_cpp");
    assertThatThrownBy(() -> untilOlder(() -> host.command(program, "ends").prepareUntilReady(1)))
        .isInstanceOf(LaunchException.class)
        .hasMessageContaining("it ends before it calls tproc_ready (exit status 3)");
    assertThatThrownBy(
            () ->
                untilOlder(
                    () ->
                        host.command(Programs.probe("waiter"))
                            .prepareUntilReady(1, Duration.ZERO, Duration.ofMillis(1))))
        .isInstanceOf(LaunchException.class)
        .hasMessageContaining("it has not called tproc_ready within 0.001 seconds");
    assertThat(host.prepared()).isEmpty();
  }

  @Test
  void nothingIsLeftOfThoseThatRunAhead(TprocHost host) throws Exception {
    ThreadProcBuilder builder = host.command(Programs.probe("ready_cpp"), "loads");
    untilOlder(() -> builder.prepareUntilReady(2));
    builder.prepareUntilReady(0);
    Outcome.hosted(host, Programs.nothing());
    Resources before = Resources.now();
    for (int i = 0; i < 20; i++) {
      untilOlder(() -> builder.prepareUntilReady(5));
      assertThat(only(host)).returns(5, PreparedProgram::ready);
      builder.prepareUntilReady(0);
    }
    before.assertAsBefore();
  }
}
