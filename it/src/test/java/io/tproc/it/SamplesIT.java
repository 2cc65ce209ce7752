package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The Java samples do what their documentation says. */
class SamplesIT {
  private static Outcome run(String main, String... arguments) throws Exception {
    Outcome outcome =
        Outcome.of(new ChildJvm().main("io.tproc.samples." + main, arguments).start(), "");
    assertThat(outcome.exitValue).as(outcome.toString()).isZero();
    return outcome;
  }

  @Test
  void theDemoShowsTheMainJob() throws Exception {
    assertThat(run("Demo").output())
        .contains("Java reads there:     hello\n")
        .contains("printstr reads there: hello\n")
        .contains("before: Java wrote this, C shouts it\n")
        .contains("after:  JAVA WROTE THIS, C SHOUTS IT\n")
        .contains("crash segv: killed by SIGSEGV")
        .contains("crash abort: killed by SIGABRT")
        .endsWith("\nAll is well.\n");
  }

  @Test
  void sharedString() throws Exception {
    String text = "a string that is longer than fifteen characters";
    assertThat(run("SharedString", "tiny", text).output())
        .containsPattern("0x[0-9a-f]+ read by Java:     tiny\n0x[0-9a-f]+ read by printstr: tiny\n")
        .containsPattern(
            "read by Java:     " + text + "\n0x[0-9a-f]+ read by printstr: " + text + "\n")
        .endsWith("allocstr: Exited(0)\n");
  }

  @Test
  void inPlace() throws Exception {
    assertThat(run("InPlace").output())
        .contains("after:  JAVA WROTE THIS, C SHOUTS IT\n")
        .endsWith("16777216 floats of Java multiplied by 2.0 in place\n");
  }

  @Test
  void crashSurvivor() throws Exception {
    assertThat(run("CrashSurvivor").output())
        .contains("crash segv: killed by SIGSEGV")
        .contains("crash abort: killed by SIGABRT")
        .contains("crash kill: killed by SIGKILL")
        .contains("crash overflow: killed by SIGSEGV")
        .contains("crash exit 255: exited with 255\n")
        .endsWith("the JVM is still here\n");
  }

  /** Whoever is killed, whatever it had: each report comes once, and is right. */
  @Test
  void programsInFourLanguagesGoOnWhenOneIsKilled(@TempDir Path built) throws Exception {
    for (String tool : List.of("rustc", "python3")) {
      assumeTrue(Programs.find(tool).isPresent(), "skipped: " + tool + " is not installed");
    }
    Path run = Path.of("../samples/sharing/run").toAbsolutePath().normalize();
    assumeTrue(Files.exists(run), "skipped: the samples' sources are not here");
    Outcome outcome = Outcome.natively(List.of(run.toString(), built.toString()));
    assertThat(outcome.exitValue).as(outcome.toString()).isZero();
    assertThat(outcome.output())
        .contains("kill -9 of the filter in Rust: Signalled(SIGKILL)\n")
        .contains("kill -9 of the service in C++: Signalled(SIGKILL)\n")
        .contains("kill -9 of the analyst in Python: Signalled(SIGKILL)\n")
        .containsPattern("240 of 240 reports are right, each came once: 47[0-9]{4} readings\n")
        .containsPattern("batches sent again: [0-3]\n")
        .endsWith("blocks left in the heap: 0\n");
  }

  @Test
  void messenger() throws Exception {
    assertThat(run("MessengerDemo").output())
        .containsPattern("sender: expected ([0-9a-f]{16}), answered \\1\n")
        .contains("greetings from pid")
        .endsWith("sender: Exited(0), receiver: Exited(0)\n");
  }
}
