package io.tproc.it;

import static io.tproc.Errno.EACCES;
import static io.tproc.Errno.ELOOP;
import static io.tproc.Errno.ENOENT;
import static io.tproc.Errno.ENOEXEC;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tproc.LaunchException;
import io.tproc.ThreadProc;
import io.tproc.ThreadProcBuilder;
import io.tproc.TprocHost;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Scripts run as the kernel runs them (execve(2), "Interpreter scripts"): each compared with what
 * it does natively.
 */
@ExtendWith(HostExtension.class)
class ScriptsIT {

  @TempDir Path directory;

  /** The directory has a short name: a script's first line holds 255 bytes. */
  private String interpreter;

  @BeforeEach
  void copyInterpreter() throws IOException {
    interpreter =
        Files.copy(Path.of(Programs.probe("arguments")), directory.resolve("interpreter"))
            .toString();
  }

  private Path script(String name, String content) throws IOException {
    Path file = Files.writeString(directory.resolve(name), content);
    return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private List<String> runs(TprocHost host, String firstLine) throws Exception {
    String script = script("script", firstLine + "\nthe rest is no matter\n").toString();
    Outcome hosted = Outcome.hosted(host, script, "first", "second");

    assertThat(hosted).as(firstLine).isEqualTo(Outcome.natively(script, "first", "second"));
    return hosted.strings();
  }

  private static void assertRefused(TprocHost host, Path script, int errno, String message) {
    assertThatThrownBy(() -> host.command(script.toString()).start())
        .isInstanceOfSatisfying(LaunchException.class, e -> assertThat(e.errno()).isEqualTo(errno))
        .hasMessageContaining(script.toString())
        .hasMessageContaining(message);
  }

  @Test
  void withoutAnArgument(TprocHost host) throws Exception {
    assertThat(runs(host, "#!" + interpreter))
        .containsExactly(interpreter, directory.resolve("script").toString(), "first", "second");
  }

  @Test
  void withOneArgumentHoweverManyWords(TprocHost host) throws Exception {
    assertThat(runs(host, "#!" + interpreter + " one two  three"))
        .containsExactly(
            interpreter,
            "one two  three",
            directory.resolve("script").toString(),
            "first",
            "second");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "#! %s",
        "#!\t%s\t",
        "#!  %s  x  ",
        "#!%s -a -b\t",
        "#!%s \t y",
        "#!%s\rx",
        "#!%s  "
      })
  void withBlanks(String line, TprocHost host) throws Exception {
    String first = String.format(line, interpreter);
    if (first.contains("\r")) {
      assertRefused(host, script("carriage", first + "\n"), ENOENT, "ENOENT");
    } else {
      assertThat(runs(host, first)).contains(interpreter, "first", "second");
    }
  }

  @Test
  void withoutALineEnd(TprocHost host) throws Exception {
    String script = script("no-line-end", "#!" + interpreter + " x").toString();
    assertThat(Outcome.hosted(host, script)).isEqualTo(Outcome.natively(script));
  }

  @Test
  void withAnArgumentThatIsCutAtTheKernelsLimit(TprocHost host) throws Exception {
    assertThat(runs(host, "#!" + interpreter + " " + "x".repeat(400)).get(1))
        .hasSizeLessThan(256)
        .startsWith("xxx");
  }

  @Test
  void withAnInterpreterThatIsTooLong(TprocHost host) throws Exception {
    assertRefused(host, script("too-long", "#!/" + "d/".repeat(200) + "\n"), ENOEXEC, "ENOEXEC");
  }

  /** Around the end of the 256 bytes that the kernel looks at, character by character. */
  @ParameterizedTest
  @ValueSource(ints = {251, 252, 253, 254, 255})
  void withAnInterpreterAsLongAsTheKernelTakes(int length, TprocHost host) throws Exception {
    String name = "/".repeat(length - interpreter.length()) + interpreter;
    for (String rest : new String[] {"\n", " \n", " x\n", "\t\tx\n", ""}) {
      String script = script("long", "#!" + name + rest).toString();
      // Not by ProcessBuilder, which runs what is no program with /bin/sh, as execvp does.
      String natively = Outcome.natively(Programs.probe("forker"), script).output();
      String as = "a name of " + length + " and then \"" + rest + "\"";
      if (natively.endsWith("executed: 0\n")) {
        assertThat("forked: 7\n" + Outcome.hosted(host, script).output() + "executed: 0\n")
            .as(as)
            .isEqualTo(natively);
      } else {
        assertThatThrownBy(() -> host.command(script).start())
            .as(as)
            .isInstanceOfSatisfying(
                LaunchException.class, e -> assertThat(e.errno()).isEqualTo(ENOEXEC));
      }
    }
  }

  @Test
  void withAScriptAsInterpreter(TprocHost host) throws Exception {
    Path inner = script("inner", "#!" + interpreter + " inner argument\n");
    assertThat(runs(host, "#!" + inner + " outer argument"))
        .containsExactly(
            interpreter,
            "inner argument",
            inner.toString(),
            "outer argument",
            directory.resolve("script").toString(),
            "first",
            "second");
  }

  @Test
  void nestedAsDeepAsTheKernelAllowsAndNoDeeper(TprocHost host) throws Exception {
    Path last = script("nested0", "#!" + interpreter + "\n");
    for (int i = 1; i < 5; i++) {
      last = script("nested" + i, "#!" + last + "\n");
    }
    String deepest = last.toString();
    assertThat(Outcome.hosted(host, deepest)).isEqualTo(Outcome.natively(deepest));
    assertRefused(host, script("nested5", "#!" + deepest + "\n"), ELOOP, "ELOOP");
  }

  @Test
  void thatIsItsOwnInterpreter(TprocHost host) throws Exception {
    assertRefused(
        host, script("itself", "#!" + directory.resolve("itself") + "\n"), ELOOP, "ELOOP");
  }

  @Test
  void withAnInterpreterRelativeToTheWorkingDirectory(TprocHost host) throws Exception {
    Path script = script("relative", "#!./interpreter\n");
    try (ThreadProc program = host.command(script.toString()).directory(directory).start()) {
      assertThat(Outcome.of(program, "").strings())
          .containsExactly("./interpreter", script.toString());
    }
    assertRefused(host, script, ENOENT, "./interpreter");
  }

  @Test
  void foundByARelativePath(TprocHost host) throws Exception {
    script("by-path", "#!" + interpreter + "\n");
    try (ThreadProc program = host.command("./by-path").directory(directory).start()) {
      Outcome natively =
          Outcome.of(new ProcessBuilder("./by-path").directory(directory.toFile()).start(), "");
      assertThat(Outcome.of(program, "")).isEqualTo(natively);
    }
  }

  @Test
  void withAMissingInterpreter(TprocHost host) throws Exception {
    assertRefused(
        host, script("missing", "#!/no/such/interpreter\n"), ENOENT, "/no/such/interpreter");
  }

  @Test
  void withADirectoryAsInterpreter(TprocHost host) throws Exception {
    assertRefused(host, script("directory", "#!" + directory + "\n"), EACCES, directory.toString());
  }

  @Test
  void withoutAnInterpreter(TprocHost host) throws Exception {
    assertRefused(host, script("none", "#!\n"), ENOEXEC, "ENOEXEC");
    assertRefused(host, script("blank", "#!   \n"), ENOEXEC, "ENOEXEC");
  }

  @Test
  void thatIsNotExecutable(TprocHost host) throws Exception {
    Path script = Files.writeString(directory.resolve("plain"), "#!" + interpreter + "\n");
    assertRefused(host, script, EACCES, "EACCES");
  }

  @Test
  void ofAShell(TprocHost host) throws Exception {
    String shell = Programs.hostable("sh");
    String script = script("shell", "#!" + shell + "\necho \"$0 $# $*\"; exit 5\n").toString();
    Outcome hosted = Outcome.hosted(host, script, "a b", "c");

    assertThat(hosted).isEqualTo(Outcome.natively(script, "a b", "c"));
    assertThat(hosted.output()).isEqualTo(script + " 2 a b c\n");
    assertThat(hosted.exitValue).isEqualTo(5);
  }

  @Test
  void ofEnv(TprocHost host) throws Exception {
    Programs.hostable("env");
    Programs.hostable("sh");
    String script = script("env", "#!/usr/bin/env sh\necho through env\n").toString();
    assertThat(Outcome.hosted(host, script)).isEqualTo(Outcome.natively(script));
  }

  /** What env would execute is a threadproc, too: it has not left the address space. */
  @ParameterizedTest
  @ValueSource(strings = {"/usr/bin/env detect", "/usr/bin/env -S detect -x"})
  void ofEnvStaysInTheAddressSpace(String line, TprocHost host) throws Exception {
    String script = script("env", "#!" + line + "\n").toString();
    String path = Programs.samples() + ":" + System.getenv("PATH");
    ThreadProcBuilder builder = host.command(script);
    builder.environment().put("PATH", path);
    try (ThreadProc program = builder.start()) {
      assertThat(Outcome.of(program, "").output()).startsWith("threadproc: yes\n");
    }
  }
}
