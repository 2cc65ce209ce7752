package io.tproc.python;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.tproc.ThreadProcBuilder;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InterpreterTest {
  private static final Duration LONG = Duration.ofMinutes(1);

  @TempDir Path directory;

  private String elf(int type) throws IOException {
    byte[] head = {0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, (byte) type, 0, 62, 0};
    return Files.write(directory.resolve("elf" + type), head).toString();
  }

  private static String answer(String... parts) {
    return "tproc\0" + String.join("\0", parts);
  }

  @Test
  void answers() throws Exception {
    Interpreter anywhere = Interpreter.of("p", answer("cpython", "3.11.2", elf(3), ""));
    assertThat(anywhere.executable()).hasFileName("elf3");
    assertThat(anywhere.isAnywhere()).isTrue();
    assertThat(anywhere.library()).isEmpty();
    assertThat(anywhere).hasToString("Python 3.11.2 of " + directory.resolve("elf3"));
    Interpreter fixed =
        Interpreter.of("p", "hello\n" + answer("cpython", "3.8.0", elf(2), "/lib/p.so"));
    assertThat(fixed.isAnywhere()).isFalse();
    assertThat(fixed.library()).contains(Path.of("/lib/p.so"));
  }

  private static void assertRefused(String output, String message) {
    assertThatExceptionOfType(PythonStartException.class)
        .isThrownBy(() -> Interpreter.of("p", output))
        .withMessageStartingWith("cannot use p as Python: ")
        .withMessageContaining(message);
  }

  @Test
  void refusals() throws Exception {
    assertRefused("", "does not answer");
    assertRefused("tproc\0cpython", "does not answer");
    assertRefused(
        answer("cpython", "3.7.16", elf(3), ""),
        "3.8 or newer is needed, and it is cpython 3.7.16");
    assertRefused(answer("pypy", "3.10.1", elf(3), ""), "it is pypy 3.10.1");
    assertRefused(answer("cpython", "3.11.2", elf(1), ""), "no program that can be hosted");
    Path script = Files.writeString(directory.resolve("script"), "#!/bin/sh\n");
    assertRefused(answer("cpython", "3.11.2", script.toString(), ""), "script is no program");
    assertRefused(answer("cpython", "3.11.2", "/no/such", ""), "'/no/such', which cannot be read");
    assertRefused(answer("cpython", "3.11.2", "", ""), "it says that it is ''");
  }

  private String script(String text) throws IOException {
    Path script = Files.writeString(directory.resolve("python"), "#!/bin/sh\n" + text + "\n");
    Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwx------"));
    return script.toString();
  }

  private static void assertNoAnswer(String program, Duration limit, String message) {
    ThreadProcBuilder settings = new ThreadProcBuilder(request -> null, List.of(program));
    assertThatExceptionOfType(PythonStartException.class)
        .isThrownBy(() -> Interpreter.ask(program, settings, limit))
        .withMessageStartingWith("cannot use " + program + " as Python: ")
        .withMessageContaining(message);
  }

  @Test
  void asking() throws Exception {
    assertNoAnswer(directory + "/none", LONG, "No such file or directory");
    assertNoAnswer(script("echo broken >&2; exit 3"), LONG, "exit status 3: broken");
    assertNoAnswer(script("exit 4"), LONG, "exit status 4");
    assertNoAnswer(script("exit 0"), LONG, "does not answer as Python does");
    String talkative = "head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2; exit 5";
    assertNoAnswer(script(talkative), LONG, "exit status 5");
    assertNoAnswer(script("exec sleep 1000"), Duration.ofMillis(50), "not answered in PT0.05S");
  }

  @Test
  void askingGivesTheEnvironmentAndTheDirectory() throws Exception {
    String program = script("printf 'tproc\\0cpython\\0003.9.1\\0%s/%s\\0' \"$PWD\" \"$WHICH\"");
    elf(3);
    ThreadProcBuilder settings = new ThreadProcBuilder(request -> null, List.of(program));
    settings.directory(directory).environment().put("WHICH", "elf3");
    assertThat(Interpreter.ask(program, settings, LONG).executable())
        .isEqualTo(directory.resolve("elf3"));
  }

  @Test
  void anElfFileIsRecognizedByItsMagic() throws Exception {
    byte[] other =
        ByteBuffer.allocate(20).order(ByteOrder.LITTLE_ENDIAN).putShort(16, (short) 3).array();
    Path file = Files.write(directory.resolve("other"), other);
    assertRefused(answer("cpython", "3.11.2", file.toString(), ""), "no program");
  }
}
