package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.tproc.TprocHost;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** System calls that act on a whole address space do not reach the JVM's. */
@ExtendWith(HostExtension.class)
class AddressSpaceControlsIT {
  private static final String PROGRAM = Programs.probe("controls");

  /** Seen from inside the address space, and by the kernel from outside. */
  private static String inForce(TprocHost host) throws Exception {
    List<String> lines =
        Files.readAllLines(Path.of("/proc/self/status")).stream()
            .filter(line -> line.matches("(VmLck|VmPin|THP_enabled|CoreDumping):.*"))
            .toList();
    return Outcome.hosted(host, PROGRAM, "show").output()
        + lines
        + Files.getOwner(Path.of("/proc/self/status"))
        + lockedMappings();
  }

  private static long lockedMappings() throws Exception {
    return Files.readAllLines(Path.of("/proc/self/smaps")).stream()
        .filter(line -> line.startsWith("VmFlags:") && line.contains(" lo"))
        .count();
  }

  @Test
  void areAnsweredWithoutAnEffectOnTheJvm(TprocHost host) throws Exception {
    Outcome.hosted(host, PROGRAM, "show");
    String before = inForce(host);
    assertThat(before).contains("dumpable=1\n").contains("thp=0\n");

    Map<String, String> answers = Outcome.hosted(host, PROGRAM, "set").values();

    assertThat(inForce(host)).isEqualTo(before);
    assertThat(answers)
        .containsEntry("PR_SET_DUMPABLE", "0")
        .containsEntry("PR_SET_DUMPABLE to nonsense", "EINVAL")
        .containsEntry("PR_SET_THP_DISABLE", "0")
        .containsEntry("PR_SET_MM", "EPERM")
        .containsEntry("PR_SET_MM_MAP", "EPERM")
        .containsEntry("PR_SET_MDWE", "EPERM")
        .containsEntry("PR_SET_MEMORY_MERGE", "EPERM")
        .containsEntry("mlockall", "EPERM")
        .containsEntry("munlockall", "0")
        .containsEntry("PR_SET_NAME", "0");
  }

  @Test
  void ofAnExecutedDescendantAreItsOwn(TprocHost host) throws Exception {
    String before = inForce(host);
    // Its own memory, so the kernel answers as it does natively.
    String[] command = {Programs.probe("forker"), PROGRAM, "set"};
    assertThat(Outcome.hosted(host, command).output())
        .isEqualTo(Outcome.natively(command).output())
        .contains("PR_SET_DUMPABLE=0\n");
    assertThat(inForce(host)).isEqualTo(before);
  }
}
