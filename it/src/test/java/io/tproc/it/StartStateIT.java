package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tproc.LaunchException;
import io.tproc.ResourceLimit;
import io.tproc.ThreadProc;
import io.tproc.ThreadProcBuilder;
import io.tproc.TprocHost;
import java.io.FileOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** What a builder sets of the state that a program starts in, and that the host keeps its own. */
@ExtendWith(HostExtension.class)
class StartStateIT {
  @BeforeEach
  void needsBash() {
    Programs.hostable("bash");
  }

  private static ThreadProcBuilder bash(TprocHost host, String script) {
    return host.command("/bin/bash", "-c", script);
  }

  private static String output(ThreadProcBuilder builder) throws Exception {
    try (ThreadProc program = builder.start()) {
      Outcome outcome = Outcome.of(program, "");
      assertThat(outcome.exitValue).as(outcome.toString()).isZero();
      return outcome.output();
    }
  }

  @Test
  void theNiceValue(TprocHost host) throws Exception {
    String own = output(bash(host, "nice"));
    assertThat(output(bash(host, "nice").nice(11))).isEqualTo("11\n");
    assertThat(output(bash(host, "nice"))).isEqualTo(own);
  }

  @Test
  void limitsAndTheOthersAreTheHosts(TprocHost host) throws Exception {
    String all = "ulimit -Sc; ulimit -Hc; ulimit -Sn; ulimit -Hn; ulimit -Ss";
    String[] own = output(bash(host, all)).split("\n");
    assertThat(
            output(
                bash(host, all)
                    .limit(ResourceLimit.OPEN_FILES, 77, 99)
                    .limit(ResourceLimit.STACK, 3 << 20)))
        .isEqualTo(own[0] + "\n" + own[1] + "\n77\n99\n3072\n");
    assertThat(output(bash(host, all)).split("\n")).isEqualTo(own);
  }

  @Test
  void limitsOfItsMemoryAlone(TprocHost host) throws Exception {
    assertThat(
            output(
                bash(host, "ulimit -v; ulimit -d; bash -c 'ulimit -v'; true")
                    .limit(ResourceLimit.ADDRESS_SPACE, 1L << 30)
                    .limit(ResourceLimit.DATA, 1L << 29)))
        .isEqualTo("1048576\n524288\n1048576\n");
    assertThat(output(bash(host, "ulimit -v"))).isEqualTo("unlimited\n");
    ThreadProcBuilder small = bash(host, "true").limit(ResourceLimit.ADDRESS_SPACE, 1 << 20);
    try (ThreadProc program = small.start()) { // its libraries are not to be had, as natively
      assertThat(program.waitFor()).isNotZero();
    }
  }

  @Test
  void aLimitThatTheHostMayNotGiveIsAnError(TprocHost host) throws Exception {
    // In one read: a second one of such a file finds its end.
    String most = Files.readAllLines(Path.of("/proc/sys/fs/nr_open")).get(0);
    assertThatThrownBy(
            () ->
                bash(host, "true")
                    .limit(ResourceLimit.OPEN_FILES, 10, Long.parseLong(most) + 1)
                    .start())
        .isInstanceOf(LaunchException.class)
        .hasMessageContaining(
            "set resource limits (prlimit64): RLIMIT_NOFILE: Operation not permitted (EPERM)");
  }

  @Test
  void theProcessors(TprocHost host) throws Exception {
    String own = output(bash(host, "grep Cpus_allowed_list /proc/self/status"));
    String first = own.replaceAll("\\D+(\\d+).*\\n", "$1");
    assertThat(
            output(
                bash(host, "grep Cpus_allowed_list /proc/self/status")
                    .affinity(Integer.parseInt(first), 8000)))
        .isEqualTo("Cpus_allowed_list:\t" + first + "\n");
    assertThatThrownBy(() -> bash(host, "true").affinity(8000).start())
        .isInstanceOf(LaunchException.class)
        .hasMessageContaining("choose its CPUs (sched_setaffinity): Invalid argument (EINVAL)");
  }

  @Test
  void furtherDescriptors(TprocHost host, @TempDir Path directory) throws Exception {
    Path file = directory.resolve("file");
    ThreadProcBuilder builder = bash(host, "echo hello >&9; echo again >&300; ls /proc/$$/fd");
    try (FileOutputStream stream = new FileOutputStream(file.toFile())) {
      builder.descriptor(9, stream.getFD()).descriptor(300, stream.getFD());
      assertThat(output(builder).split("\n")).contains("9", "300");
    }
    assertThat(file).hasContent("hello\nagain\n");
    assertThatThrownBy(builder::start)
        .isInstanceOf(LaunchException.class)
        .hasMessageContaining("descriptor -1: Bad file descriptor (EBADF)");
  }

  /** As those of ProcessBuilder: of a JVM that nohup has started, SIGHUP. */
  @Test
  void signalsThatTheJvmIgnoresAreIgnored(TprocHost host) throws Exception {
    sun.misc.Signal winch = new sun.misc.Signal("WINCH");
    sun.misc.SignalHandler before = sun.misc.Signal.handle(winch, sun.misc.SignalHandler.SIG_IGN);
    try {
      assertThat(ignores(host, winch.getNumber())).isTrue();
    } finally {
      sun.misc.Signal.handle(winch, before);
    }
    assertThat(ignores(host, winch.getNumber())).isFalse();
  }

  private static boolean ignores(TprocHost host, int signal) throws Exception {
    String mask = output(bash(host, "sed -n 's/^SigIgn:\\t//p' /proc/self/status"));
    return (Long.parseUnsignedLong(mask.strip(), 16) >> (signal - 1) & 1) != 0;
  }

  @Test
  void aSessionOfItsOwn(TprocHost host) throws Exception {
    String script = "cut -d ' ' -f 5,6 /proc/$$/stat; echo $$ $$";
    String[] own = output(bash(host, script).session(true)).split("\n");
    assertThat(own[0]).isEqualTo(own[1]);
    String[] shared = output(bash(host, script)).split("\n");
    assertThat(shared[0]).isNotEqualTo(shared[1]);
  }

  @Test
  void aNiceValueThatTheHostMayNotGiveIsAnError(TprocHost host) throws Exception {
    boolean mayNot =
        Files.readString(Path.of("/proc/self/status")).contains("CapEff:\t0000000000000000");
    assumeTrue(mayNot, "this user may give any nice value");
    assertThatThrownBy(() -> bash(host, "true").nice(-20).start())
        .isInstanceOf(LaunchException.class)
        .hasMessageContaining("set the nice value (setpriority)");
  }
}
