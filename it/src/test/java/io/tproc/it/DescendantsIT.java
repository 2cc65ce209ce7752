package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.tproc.TprocHost;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a hosted program starts by itself behaves as natively. */
@ExtendWith(HostExtension.class)
class DescendantsIT {
  @Test
  void childrenOfEveryKindWorkWithMemory(TprocHost host) throws Exception {
    Resources before = Resources.now();
    Outcome hosted = Outcome.hosted(host, Programs.probe("descendant"), "all");
    assertThat(hosted).isEqualTo(Outcome.natively(Programs.probe("descendant"), "all"));
    assertThat(hosted.values())
        .containsEntry("fork", "0")
        .containsEntry("fork of a fork", "0")
        .containsEntry("vfork", "3")
        .containsEntry("fork and exec", "0")
        .containsEntry("vfork and exec", "0")
        .containsEntry("vfork and failed exec", "4")
        .containsEntry("posix_spawn", "0")
        .containsEntry("itself", "0");
    before.assertAsBefore();
  }

  @ParameterizedTest
  @ValueSource(strings = {"bash", "dash"})
  void nestedShells(String name, TprocHost host) throws Exception {
    String shell = Programs.hostable(name);
    String script =
        "echo 1 $(echo 2 $(\"$0\" -c 'echo 3 $(echo 4; \"$0\" -c \"echo 5 | cat; exit 6\" \"$0\"); echo $?' \"$0\"));"
            + " (( exit 7 ) & wait $!; echo $?); i=0; while [ $i -lt 50 ]; do i=$(($(echo $i) + 1)); done; echo $i";
    Outcome hosted = Outcome.hosted(host, shell, "-c", script, shell);
    assertThat(hosted).isEqualTo(Outcome.natively(shell, "-c", script, shell));
    assertThat(hosted.output()).isEqualTo("1 2 3 4 5 0\n7\n50\n");
  }

  /** A program that replaces itself leaves its slot, keeps its pid, and its exit is still ours. */
  @Test
  void aProgramReplacesItself(TprocHost host) throws Exception {
    Resources before = Resources.now();
    String shell = Programs.hostable("dash");
    for (int i = 0; i < 5; i++) {
      Outcome outcome =
          Outcome.hosted(host, shell, "-c", "exec " + Programs.probe("descendant") + " all");
      assertThat(outcome).isEqualTo(Outcome.natively(Programs.probe("descendant"), "all"));
    }
    before.assertAsBefore();
  }

  @ParameterizedTest
  @ValueSource(strings = {"killed", "closed"})
  void outliveTheirHost(String end, @TempDir Path directory) throws Exception {
    Path gate = directory.resolve("gate");
    Path result = directory.resolve("result");
    assertThat(Outcome.natively(Programs.installed("mkfifo"), gate.toString()).exitValue).isZero();
    Process host =
        new ChildJvm().main(LeavingHost.class, gate.toString(), result.toString()).start();
    long executed = 0;
    long forked = 0;
    try (BufferedReader output = host.inputReader()) {
      executed = Long.parseLong(output.readLine());
      forked = Long.parseLong(output.readLine());
      if (end.equals("killed")) {
        host.destroyForcibly();
      } else {
        host.getOutputStream().close();
      }
      host.waitFor();
      assertThat(Processes.isRunning(executed)).isTrue();
      assertThat(Processes.isRunning(forked)).isTrue();

      Files.writeString(gate, "go");
      assertThat(resultOf(result, "executed")).isEqualTo("worked\n");
      // Its memory calls cannot be answered any more: they fail, and say so.
      assertThat(resultOf(result, "forked")).isEqualTo("mmap: ENOSYS\n");
      long[] both = {executed, forked};
      Patience.untilNothingToComplainOf(
          Patience.seconds(10),
          () ->
              Processes.isRunning(both[0]) || Processes.isRunning(both[1]) ? "still running" : "");
    } finally {
      host.destroyForcibly();
      for (long pid : new long[] {executed, forked}) {
        if (pid > 0) {
          ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
        }
      }
    }
  }

  private static String resultOf(Path result, String kind) {
    Path file = result.resolveSibling(result.getFileName() + "-" + kind);
    String[] text = {""};
    Patience.untilNothingToComplainOf(
        Patience.seconds(20),
        () -> {
          try {
            text[0] = Files.exists(file) ? Files.readString(file) : "";
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
          return text[0].endsWith("\n") ? "" : "no result of the one " + kind;
        });
    return text[0];
  }

  /** Hosts a program that leaves children behind; ends when its input does. */
  static final class LeavingHost {
    private LeavingHost() {}

    public static void main(String[] arguments) throws Exception {
      String program = Programs.probe("descendant");
      try (TprocHost host = TprocHost.open()) {
        var leaving = host.command(program, "outlive", program, arguments[0], arguments[1]).start();
        BufferedReader pids = leaving.inputReader();
        System.out.println(pids.readLine());
        System.out.println(pids.readLine());
        while (System.in.read() >= 0) {
          continue;
        }
      }
    }
  }
}
