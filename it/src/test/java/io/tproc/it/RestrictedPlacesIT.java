package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.tproc.Finding;
import io.tproc.TprocHost;
import io.tproc.TprocUnavailableException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Where a sandbox forbids what the broker likes to use, it has another way; where it forbids what
 * hosting needs, that is refused with one clear message.
 */
class RestrictedPlacesIT {
  private static Outcome under(String rules, Class<?> main, String... arguments) throws Exception {
    String[] command = (Programs.probe("deny") + " " + rules + " --").split(" ");
    return Outcome.of(new ChildJvm().through(command).main(main, arguments).start(), "");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "kcmp=EPERM",
        "pidfd_getfd=EPERM",
        "kcmp=EPERM pidfd_getfd=EPERM",
        "kcmp=EPERM pidfd_getfd=EPERM clone3=ENOSYS",
        "kcmp=ENOSYS pidfd_getfd=ENOSYS"
      })
  void everythingWorks(String rules, @TempDir Path directory) throws Exception {
    Outcome outcome = under(rules, AllMain.class, directory.toString());
    assertThat(outcome.output()).as(outcome.toString()).isEqualTo("all worked\n");
    // One of the programs executes itself, which the log tells.
    assertThat(outcome.error().lines())
        .allMatch(
            line ->
                line.endsWith("JniThreadProc log")
                    || line.endsWith("has executed another program, and left the address space"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"kcmp", "pidfd_getfd", "clone3"})
  void itIsReported(String call) throws Exception {
    // A JVM, too, makes do without clone3 only when it is absent.
    Outcome outcome = under(call + "=ENOSYS", CheckMain.class);
    String name = call.replace('_', '-');
    assertThat(outcome.output().lines())
        .as(outcome.toString())
        .anyMatch(line -> line.startsWith(name + " LIMITED ENOSYS ") && line.length() > 40)
        .noneMatch(line -> line.contains(" MISSING "));
  }

  @ParameterizedTest
  @ValueSource(strings = {"seccomp-listener=EPERM", "seccomp-listener=ENOSYS", "seccomp=EPERM"})
  void withoutAListenerThereIsOneClearRefusal(String rules, @TempDir Path directory)
      throws Exception {
    assertRefusedForSeccomp(under(rules, AllMain.class, directory.toString()));
  }

  private static void assertRefusedForSeccomp(Outcome outcome) {
    assertThat(outcome.output())
        .as(outcome.toString())
        .matches("(?s)unavailable: .{40,}")
        .contains("seccomp");
    assertThat(outcome.error()).isEmpty();
  }

  /** A kernel allows one listener for a process: what is hosted cannot host. */
  @Test
  void inAThreadProcThereIsOneClearRefusal(@TempDir Path directory) throws Exception {
    List<String> command = new ChildJvm().main(AllMain.class, directory.toString()).command();
    try (TprocHost host = TprocHost.open()) {
      assertRefusedForSeccomp(Outcome.hosted(host, command));
    }
  }

  /** What the broker needs the forbidden calls for: files, forked children, own executable. */
  static final class AllMain {
    private AllMain() {}

    public static void main(String[] arguments) throws Exception {
      try (TprocHost host = TprocHost.open()) {
        String[][] commands = {
          {Programs.probe("mapping"), arguments[0]},
          {Programs.probe("descendant"), "all"},
          {Programs.probe("exe")},
          {Programs.probe("threads"), "4"},
          {Programs.probe("origin/main")}
        };
        Resources before = Resources.now();
        for (String[] command : commands) {
          Outcome natively = Outcome.natively(command);
          Outcome hosted = Outcome.hosted(host, command);
          if (!hosted.equals(natively)) {
            System.out.println(
                Arrays.toString(command) + " natively: " + natively + "\nhosted: " + hosted);
          }
        }
        before.assertAsBefore();
        System.out.println("all worked");
      } catch (TprocUnavailableException e) {
        System.out.println("unavailable: " + e.getMessage());
      }
    }
  }

  /** Prints what {@code tproc check} finds. */
  static final class CheckMain {
    private CheckMain() {}

    public static void main(String[] arguments) {
      for (Finding finding : TprocHost.check()) {
        System.out.println(
            finding.name()
                + " "
                + finding.verdict()
                + " "
                + finding.value()
                + " "
                + finding.advice());
      }
    }
  }
}
