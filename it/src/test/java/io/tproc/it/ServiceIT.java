package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code tproc serve} as a service of systemd's, whose part a probe plays. */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ServiceIT {
  @TempDir Path directory;
  private Path socket;

  @BeforeEach
  void name() {
    socket = directory.resolve("s");
  }

  private Process activate(String... command) throws Exception {
    List<String> all =
        new ArrayList<>(
            List.of(
                Programs.probe("activate"),
                socket.toString(),
                directory.resolve("notify").toString()));
    all.addAll(List.of(command));
    return new ProcessBuilder(all).start();
  }

  private static String pid(BufferedReader manager) throws Exception {
    String line = manager.readLine();
    assertThat(line).startsWith("pid ");
    return line.substring("pid ".length());
  }

  @Test
  void takesTheSocketAndTellsOfItsLife() throws Exception {
    Process manager = activate(Programs.cli(), "serve");
    try (BufferedReader lines = manager.inputReader()) {
      final String pid = pid(lines);
      // A client may come before the host is there: it waits.
      Process early =
          new ProcessBuilder(ListeningHost.command(socket, Programs.sample("crash"), "exit", "7"))
              .start();
      assertThat(lines.readLine()).isEqualTo("listening at " + socket + ", process " + pid);
      assertThat(lines.readLine()).isEqualTo("READY=1|STATUS=listening at " + socket);
      assertThat(early.waitFor()).as(Outcome.of(early, "").toString()).isEqualTo(7);
      assertThat(
              Outcome.natively(ListeningHost.command(socket, Programs.sample("crash"), "exit", "8"))
                  .exitValue)
          .isEqualTo(8);

      Outcome.natively(Programs.installed("kill"), pid);

      assertThat(lines.readLine()).isEqualTo("STOPPING=1");
      assertThat(lines.readLine()).isEqualTo("exited 0");
      assertThat(socket).as("the socket is the manager's").exists();
      assertThat(manager.errorReader().readLine()).isNull();
    } finally {
      manager.destroyForcibly();
    }
  }

  @Test
  void aNamedSocketComesFirst() throws Exception {
    Path other = directory.resolve("other");
    Process manager = activate(Programs.cli(), "serve", other.toString());
    try (BufferedReader lines = manager.inputReader()) {
      String pid = pid(lines);
      assertThat(lines.readLine()).startsWith("listening at " + other);
      Outcome.natively(Programs.installed("kill"), pid);
      assertThat(lines.readLine()).startsWith("READY=1");
      assertThat(lines.readLine()).isEqualTo("STOPPING=1");
      assertThat(lines.readLine()).isEqualTo("exited 0");
    } finally {
      manager.destroyForcibly();
    }
  }

  @Test
  void aSocketWhereOthersCanPutTheirsIsRefused() throws Exception {
    Path open = Files.createDirectory(directory.resolve("open"));
    Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxrwxrwx"));
    socket = open.resolve("s");
    Process manager = activate(Programs.cli(), "serve");
    Outcome outcome = Outcome.of(manager, "");
    assertThat(outcome.output()).contains("exited 125").doesNotContain("READY");
    assertThat(outcome.error())
        .startsWith("tproc: cannot listen at the inherited socket " + socket + ": ")
        .contains("may be written to by others");
  }

  /** A shell names it, since the JVM of this test may be in the same situation. */
  @Test
  void aSocketWhoseNameThisJvmCannotHaveIsRefused() throws Exception {
    String named = "exec \"$1\" \"$2/$(printf 's\\303\\274')\" \"$2/notify\" \"$3\" serve";
    ProcessBuilder manager =
        new ProcessBuilder(
            Programs.installed("sh"),
            "-c",
            named,
            "sh",
            Programs.probe("activate"),
            directory.toString(),
            Programs.cli());
    manager.environment().put("LC_ALL", "C");
    Outcome outcome = Outcome.of(manager.start(), "");
    assertThat(outcome.output()).contains("exited 125").doesNotContain("READY");
    assertThat(outcome.error())
        .startsWith("tproc: cannot listen at the inherited socket " + directory)
        .contains("its name is not in this JVM's encoding");
  }
}
