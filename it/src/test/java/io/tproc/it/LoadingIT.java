package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tproc.Finding;
import io.tproc.Finding.Verdict;
import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import io.tproc.TprocUnavailableException;
import java.io.File;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Where hosting is impossible, one exception says what is missing and what to do; where it is
 * restricted, it still works.
 */
class LoadingIT {
  @Test
  void thisMachineIsFit() {
    List<Finding> findings = TprocHost.check();

    assertThat(findings).noneMatch(finding -> finding.verdict() == Verdict.MISSING);
    assertThat(findings)
        .extracting(Finding::name)
        .contains("kernel", "clone3", "max-map-count", "page-size");
    assertThat(findings)
        .extracting(Finding::name)
        .anyMatch(name -> name.contains("seccomp"))
        .anyMatch(name -> name.contains("pidfd"));
    assertThat(findings)
        .allSatisfy(
            finding ->
                assertThat(finding.advice().isEmpty())
                    .as("%s", finding)
                    .isEqualTo(finding.verdict() == Verdict.OK));
  }

  @Test
  void checkingLeavesNothing() {
    TprocHost.check();
    Resources before = Resources.now();
    for (int i = 0; i < 20; i++) {
      TprocHost.check();
    }
    before.assertAsBefore();
  }

  @ParameterizedTest
  @CsvSource({
    "clone-process=EPERM clone3=ENOSYS,clone",
    "pidfd_open=EPERM,pidfd",
    "seccomp=EPERM,seccomp"
  })
  void whatIsForbiddenIsNamed(String denied, String missing) throws Exception {
    Outcome outcome = underRules(denied);

    // Forbidden things are refused with their name, unless there is a way without them: then
    // everything works.
    if (outcome.output().startsWith("unavailable")) {
      assertThat(outcome.output()).contains(missing).matches("(?s)unavailable: .{40,}");
      System.out.println(outcome.output());
    } else {
      assertThat(missing).as(outcome.toString()).isNotEqualTo("clone");
      assertThat(outcome).returns("Exited(7)\n", Outcome::output);
    }
    assertThat(outcome.error()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"clone3=ENOSYS"})
  void withoutClone3ProgramsStartByClone(String denied) throws Exception {
    Outcome outcome = underRules(denied);
    assertThat(outcome).returns("Exited(7)\n", Outcome::output);
  }

  private static Outcome underRules(String rules) throws Exception {
    String[] command = (Programs.probe("deny") + " " + rules + " --").split(" ");
    return Outcome.of(new ChildJvm().through(command).main(OpenMain.class).start(), "");
  }

  @Test
  void aLibraryThatIsNotThereIsNamed() throws Exception {
    Outcome outcome =
        Outcome.of(
            new ChildJvm()
                .with("-Dtproc.library=/no/such/libtproc-jni.so")
                .main(OpenMain.class)
                .start(),
            "");
    assertThat(outcome.output())
        .as(outcome.toString())
        .startsWith("unavailable: ")
        .contains("/no/such/libtproc-jni.so");
  }

  @ParameterizedTest
  @CsvSource({"os.name,Plan 9,Linux", "os.arch,vax,x86_64"})
  void anotherSystemIsNamed(String property, String value, String expected) throws Exception {
    Outcome outcome =
        Outcome.of(
            new ChildJvm().with("-D" + property + "=" + value).main(OpenMain.class).start(), "");
    assertThat(outcome.output())
        .as(outcome.toString())
        .startsWith("unavailable: ")
        .contains(value)
        .contains(expected);
  }

  @Test
  void withoutAProviderTheDependencyIsNamed() throws Exception {
    String classPath =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .filter(entry -> !entry.contains("tproc-jni"))
            .collect(Collectors.joining(File.pathSeparator));
    assumeTrue(
        !classPath.equals(System.getProperty("java.class.path")),
        "skipped: the provider is not a class path entry of its own");
    Outcome outcome =
        Outcome.of(new ChildJvm().classPath(classPath).main(OpenMain.class).start(), "");
    assertThat(outcome.output())
        .as(outcome.toString())
        .startsWith("unavailable: ")
        .contains("tproc-jni");
  }

  /** Opens a host, runs one program, and prints how that ended, or why there is no host. */
  static final class OpenMain {
    private OpenMain() {}

    public static void main(String[] arguments) throws Exception {
      try (TprocHost host = TprocHost.open();
          ThreadProc program = host.command(Programs.sample("crash"), "exit", "7").start()) {
        System.out.println(program.waitForExit());
      } catch (TprocUnavailableException e) {
        System.out.println("unavailable: " + e.getMessage());
      }
    }
  }
}
