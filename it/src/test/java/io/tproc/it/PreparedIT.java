package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tproc.LaunchException;
import io.tproc.PreparedProgram;
import io.tproc.ThreadProcBuilder;
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
}
