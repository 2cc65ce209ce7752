package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.tproc.TprocHost;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** To a hosted program /proc/self/exe is the program, whichever way it asks; natively the same. */
@ExtendWith(HostExtension.class)
class ProcSelfExeIT {
  @ParameterizedTest
  @ValueSource(strings = {"exe", "exe-fixed"})
  void everyWayToAsk(String probe, TprocHost host) throws Exception {
    String program = Programs.probe(probe);
    Outcome natively = Outcome.natively(program);
    Outcome hosted = Outcome.hosted(host, program);

    assertThat(hosted).isEqualTo(natively);
    assertThat(hosted.output())
        .contains(
            "main readlink=" + program + "\n",
            "readlinkat=" + program + "\n",
            "open=itself\n",
            "open O_PATH=" + program + "\n",
            "openat=itself\n",
            "stat=itself\n",
            "fstatat=itself\n",
            "statx=itself\n",
            "/proc/PID/exe readlink=" + program + "\n",
            "thread readlink=" + program + "\n",
            "forked readlink=" + program + "\n",
            "forked open=itself\n")
        .contains("executed by fork and execve\n", "executed by vfork and execve\n")
        .contains("executed by posix_spawn\n")
        .endsWith("executed by execve\n");
  }

  @Test
  void twoProgramsAskAtOnce(TprocHost host, @TempDir Path directory) throws Exception {
    Path copy = Files.copy(Path.of(Programs.probe("exe")), directory.resolve("another-name"));
    try (var one = host.command(Programs.probe("exe")).start();
        var other = host.command(copy.toString()).start()) {
      assertThat(Outcome.of(one, "")).isEqualTo(Outcome.natively(Programs.probe("exe")));
      assertThat(Outcome.of(other, "")).isEqualTo(Outcome.natively(copy.toString()));
    }
  }

  @Test
  void aProgramFindsTheLibraryBesideIt(TprocHost host) throws Exception {
    assertThat(Outcome.hosted(host, Programs.probe("origin/main")).output())
        .isEqualTo("found beside the program\n");
  }

  @Test
  void throughALinkTheProgramIsWhereItReallyIs(TprocHost host, @TempDir Path directory)
      throws Exception {
    Path link =
        Files.createSymbolicLink(directory.resolve("link"), Path.of(Programs.probe("origin/main")));
    assertThat(Outcome.hosted(host, link.toString())).isEqualTo(Outcome.natively(link.toString()));
    Files.delete(link); // JUnit warns of links that lead out of its directory
  }
}
