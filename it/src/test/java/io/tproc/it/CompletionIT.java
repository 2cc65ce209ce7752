package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What bash offers when a user presses Tab. */
class CompletionIT {
  @TempDir Path directory;

  /** The words that are offered for the last one of a command line. */
  private List<String> complete(String... words) throws Exception {
    Path completions =
        Path.of(Programs.cli()).getParent().resolveSibling("share/bash-completion/completions");
    String name = words[0].equals("tproc-run") ? "tproc-run" : "tproc";
    String script =
        "compopt() { :; }; . \"$1\"; f=$2; shift 2; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1));"
            + " $f; printf '%s\\n' \"${COMPREPLY[@]}\"";
    List<String> command =
        new ArrayList<>(
            List.of(
                Programs.installed("bash"),
                "--norc",
                "-c",
                script,
                "bash",
                completions.resolve(name).toString(),
                name.equals("tproc") ? "_tproc" : "_tproc_run"));
    command.addAll(Arrays.asList(words));
    Outcome outcome =
        Outcome.of(new ProcessBuilder(command).directory(directory.toFile()).start(), "");
    assertThat(outcome.error()).isEmpty();
    return outcome.output().lines().filter(line -> !line.isEmpty()).toList();
  }

  @Test
  void commandsAndOptions() throws Exception {
    assertThat(complete("tproc", "")).contains("serve", "ps", "kill", "launcher", "--help");
    assertThat(complete("tproc", "l")).containsExactly("launcher");
    assertThat(complete("tproc", "ps", "--")).containsExactly("--json", "--wide", "--help");
    assertThat(complete("tproc", "kill", "-s", "KI")).containsExactly("KILL");
    assertThat(complete("tproc", "kill", "-US")).containsExactly("-USR1", "-USR2");
    assertThat(complete("tproc-run", "--pa")).containsExactly("--pass-fd", "--pass-fds");
  }

  @Test
  void socketsThenPidsOrPrograms() throws Exception {
    Files.createFile(directory.resolve("s-file"));
    Files.createDirectory(directory.resolve("s-directory"));
    try (ListeningHost host = ListeningHost.open()) {
      Files.createSymbolicLink(directory.resolve("s-socket"), host.socket());
      assertThat(complete("tproc", "ps", "s-"))
          .containsExactlyInAnyOrder("s-directory", "s-socket");
      assertThat(complete("tproc-run", "-t", "s-"))
          .containsExactlyInAnyOrder("s-directory", "s-socket");
      assertThat(complete("tproc-run", "s-socket", "base64")).contains("base64");
      assertThat(complete("tproc-run", "--pass-fd", "7", "s-socket", "cat", "s-f"))
          .containsExactly("s-file");

      Process launcher = host.start(Programs.probe("waiter"));
      assertThat(launcher.inputReader().readLine()).isEqualTo("ready");
      String pid = Long.toString(host.only().pid());
      assertThat(complete(Programs.cli(), "kill", "-9", "s-socket", "")).containsExactly(pid);
      assertThat(complete(Programs.cli(), "maps", "s-socket", "")).containsExactly(pid);
      launcher.destroyForcibly();
    }
  }
}
