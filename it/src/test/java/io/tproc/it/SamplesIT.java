package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

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

  @Test
  void messenger() throws Exception {
    assertThat(run("MessengerDemo").output())
        .containsPattern("sender: expected ([0-9a-f]{16}), answered \\1\n")
        .contains("greetings from pid")
        .endsWith("sender: Exited(0), receiver: Exited(0)\n");
  }
}
