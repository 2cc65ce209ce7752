package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.tproc.ExitStatus.Exited;
import io.tproc.ExitStatus.Signalled;
import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a program is born with, and that what it changes is its own. */
@ExtendWith(HostExtension.class)
class ChildStateIT {
  private static Map<String, String> state(TprocHost host) throws Exception {
    return Outcome.hosted(host, Programs.probe("childstate")).values();
  }

  @Test
  void onlyTheStandardDescriptorsAreOpenAndNotCloseOnExec(TprocHost host, @TempDir Path directory)
      throws Exception {
    File kept = Files.createFile(directory.resolve("kept")).toFile();
    try (var input = new java.io.FileInputStream(kept);
        ThreadProc other = host.command(Programs.probe("waiter")).start()) {
      assertThat(input.available()).isZero();
      assertThat(other.isAlive()).isTrue();
      assertThat(state(host))
          .containsEntry("descriptors", "0 1 2")
          .containsEntry("descriptorFlags", "0 0 0");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"childstate", "childstate-static"})
  void signalsAreAsAtTheStartOfAnyProgram(String program, TprocHost host) throws Exception {
    Map<String, String> state = Outcome.hosted(host, Programs.probe(program)).values();

    String none = "0000000000000000";
    assertThat(state).containsEntry("blockedSignals", "").containsEntry("changedDispositions", "");
    assertThat(state)
        .containsEntry("SigBlk", none)
        .containsEntry("SigIgn", none)
        .containsEntry("SigCgt", none);
    assertThat(state).containsEntry("SigPnd", none).containsEntry("ShdPnd", none);
    assertThat(state).containsEntry("alternateStack", "none");
  }

  @Test
  void aProcessWithOneThreadNamedAfterTheProgram(TprocHost host) throws Exception {
    assertThat(state(host))
        .containsEntry("Threads", "1")
        .containsEntry("Name", "childstate")
        .containsEntry("TracerPid", "0");
  }

  @Test
  void restIsAsInAnOrdinaryChild(TprocHost host) throws Exception {
    Map<String, String> natively = Outcome.natively(Programs.probe("childstate")).values();
    // An ordinary child inherits what its parent thread ignores and blocks; a threadproc starts
    // clean.
    natively
        .keySet()
        .removeAll(List.of("pid", "SigIgn", "SigBlk", "blockedSignals", "changedDispositions"));

    assertThat(state(host)).containsAllEntriesOf(natively);
  }

  @Test
  void theWorkingDirectoryAskedFor(TprocHost host, @TempDir Path directory) throws Exception {
    try (ThreadProc program =
        host.command(Programs.probe("childstate")).directory(directory).start()) {
      assertThat(Outcome.of(program, "").values())
          .containsEntry("cwd", directory.toRealPath().toString());
    }
    assertThat(state(host)).containsEntry("cwd", Path.of("").toRealPath().toString());
  }

  @Test
  void theUmaskAskedFor(TprocHost host) throws Exception {
    for (int umask : new int[] {0, 027, 0777}) {
      try (ThreadProc program = host.command(Programs.probe("childstate")).umask(umask).start()) {
        assertThat(Outcome.of(program, "").values())
            .containsEntry("umask", String.format("%04o", umask));
      }
    }
    assertThat(state(host)).containsEntry("umask", hostStatus("Umask"));
  }

  @Test
  void whatAProgramChangesIsItsOwn(TprocHost host) throws Exception {
    String limits = Files.readString(Path.of("/proc/self/limits"));
    String directory = Files.readSymbolicLink(Path.of("/proc/self/cwd")).toString();
    String status = hostStatus("Umask", "SigBlk", "SigIgn", "SigCgt", "Name");
    String stat = group();
    Resources before = Resources.now();

    assertThat(Outcome.hosted(host, Programs.probe("changes")))
        .returns("changed, 0 failures\n", Outcome::output);

    assertThat(Files.readString(Path.of("/proc/self/limits"))).isEqualTo(limits);
    assertThat(Files.readSymbolicLink(Path.of("/proc/self/cwd"))).hasToString(directory);
    assertThat(hostStatus("Umask", "SigBlk", "SigIgn", "SigCgt", "Name")).isEqualTo(status);
    assertThat(group()).isEqualTo(stat);
    before.assertAsBefore();
    assertThat(state(host)).containsEntry("descriptors", "0 1 2");
  }

  private static String hostStatus(String... names) throws Exception {
    Pattern wanted = Pattern.compile("(" + String.join("|", names) + "):.*");
    List<String> values =
        Files.readAllLines(Path.of("/proc/self/status")).stream()
            .filter(line -> wanted.matcher(line).matches())
            .map(line -> line.substring(line.indexOf(':') + 1).strip())
            .toList();
    return String.join(" ", values);
  }

  /** The process group and the session of this JVM. */
  private static String group() throws Exception {
    String stat = Files.readString(Path.of("/proc/self/stat"));
    String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
    return fields[2] + " " + fields[3];
  }

  @Test
  void theStackIsAsLargeAsItsLimit(TprocHost host) throws Exception {
    long limit = Long.parseLong(state(host).get("stackLimit").split(" ")[0]);
    long usable = limit < 0 ? 8 << 20 : limit;

    assertThat(
            Outcome.hosted(host, Programs.probe("stack"), Long.toString(usable - (128 << 10)))
                .exitValue)
        .isZero();
    try (ThreadProc program =
        host.command(Programs.probe("stack"), Long.toString(usable + (64 << 10))).start()) {
      assertThat(program.waitForExit().exitValue()).isEqualTo(128 + 11);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {256, 1024, 20000})
  void theStackHasTheSizeOfTheHostsLimit(int kibibytes) throws Exception {
    String limited = "ulimit -S -s " + kibibytes + " && exec \"$@\"";
    Outcome outcome =
        Outcome.of(
            new ChildJvm()
                .through(Programs.installed("sh"), "-c", limited, "sh")
                .main(StackMain.class, Integer.toString(kibibytes))
                .start(),
            "");

    assertThat(outcome).returns("Exited(0)\nSignalled(11)\n", Outcome::output);
  }

  /** Has a program use most of its stack, and another one more than all of it. */
  static final class StackMain {
    private StackMain() {}

    public static void main(String[] arguments) throws Exception {
      long size = Long.parseLong(arguments[0]) << 10;
      try (TprocHost host = TprocHost.open()) {
        for (long used : new long[] {size - (100 << 10), size + (64 << 10)}) {
          try (ThreadProc program =
              host.command(Programs.probe("stack"), Long.toString(used)).start()) {
            // Whether a core is dumped is no matter here.
            System.out.println(
                program.waitForExit() instanceof Signalled signalled
                    ? "Signalled(" + signalled.signal() + ")"
                    : new Exited(program.exitValue()).toString());
          }
        }
      }
    }
  }
}
