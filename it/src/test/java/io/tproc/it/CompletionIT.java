package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What shells offer when a user presses Tab. */
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
    assertThat(complete("tproc", "unpack-library", "--arch", "")).contains("x86_64", "aarch64");
    assertThat(complete("tproc", "unpack-library", "--")).containsExactly("--arch", "--help");
    assertThat(complete("tproc-run", "--pa")).containsExactly("--pass-fd", "--pass-fds");
  }

  private static Path share(String directory) {
    return Path.of(Programs.cli()).getParent().resolveSibling("share").resolve(directory);
  }

  /** The words that fish offers, without what it says of them. */
  private List<String> fish(String line) throws Exception {
    ProcessBuilder fish =
        new ProcessBuilder(
            Programs.installed("fish"),
            "--no-config",
            "-c",
            "set -p fish_complete_path $argv[1]; complete -C $argv[2]",
            share("fish/vendor_completions.d").toString(),
            line);
    fish.environment().put("HOME", directory.toString());
    fish.environment()
        .merge(
            "PATH",
            Path.of(Programs.cli()).getParent().toString(),
            (path, ours) -> ours + ":" + path);
    Outcome outcome = Outcome.of(fish.directory(directory.toFile()).start(), "");
    assertThat(outcome.error()).as(line).isEmpty();
    return outcome.output().lines().map(each -> each.replaceAll("\t.*", "")).toList();
  }

  @Test
  void fishKnowsThemToo() throws Exception {
    assertThat(fish("tproc ")).contains("serve", "ps", "top", "kill", "launcher");
    assertThat(fish("tproc ps --")).containsExactly("--help", "--json", "--wide");
    assertThat(fish("tproc kill -s KI")).containsExactly("KILL");
    assertThat(fish("tproc completion z")).containsExactly("zsh");
    assertThat(fish("tproc help wa")).containsExactly("wait");
    assertThat(fish("tproc unpack-library --arch a")).containsExactly("aarch64");
    assertThat(fish("tproc run --e")).containsExactly("--env");
    assertThat(fish("tproc run env --e")).isEmpty();
    assertThat(fish("tproc-run --pa")).containsExactly("--pass-fd", "--pass-fds");
    Files.createFile(directory.resolve("s-file"));
    try (ListeningHost host = ListeningHost.open()) {
      Files.createSymbolicLink(directory.resolve("s-socket"), host.socket());
      assertThat(fish("tproc ps s-")).containsExactly("s-socket");
      assertThat(fish("tproc-run s-")).containsExactly("s-socket");
      assertThat(fish("tproc-run s-socket base6")).contains("base64");
      Process launcher = host.start(Programs.probe("waiter"));
      assertThat(launcher.inputReader().readLine()).isEqualTo("ready");
      assertThat(fish("tproc maps s-socket "))
          .contains(Long.toString(host.only().pid()))
          .doesNotContain("s-file");
      launcher.destroyForcibly();
    }
  }

  @Test
  void zshKnowsThemToo() throws Exception {
    Map<String, String> environment =
        Map.of("PS1", "PROMPT> ", "HOME", directory.toString(), "KEYTIMEOUT", "1");
    try (Terminal zsh =
        Terminal.running(environment, List.of(Programs.installed("zsh"), "-f", "-i"))) {
      String functions = share("zsh/site-functions").toString();
      zsh.expect("PROMPT> ")
          .type("fpath=(" + functions + " $fpath); autoload -U compinit; compinit -uD\r");
      zsh.expect("PROMPT> ")
          .type("show() { zle -M \"<$BUFFER>\" }; zle -N show; bindkey '^X' show\r");
      zsh.expect("PROMPT> ").type("cd " + directory + "; touch s-file\r");
      completes(zsh, "tproc laun", "tproc launcher ");
      completes(zsh, "tproc ps --js", "tproc ps --json ");
      completes(zsh, "tproc kill -s WINC", "tproc kill -s WINCH ");
      completes(zsh, "tproc completion fi", "tproc completion fish ");
      completes(zsh, "tproc unpack-library --arch aa", "tproc unpack-library --arch aarch64 ");
      completes(zsh, "tproc-run --det", "tproc-run --detach ");
      completes(zsh, "tproc run base6", "tproc run base64 ");
      try (ListeningHost host = ListeningHost.open()) {
        Files.createSymbolicLink(directory.resolve("s-socket"), host.socket());
        completes(zsh, "tproc top s-", "tproc top s-socket ");
        completes(zsh, "tproc-run s-", "tproc-run s-socket ");
      }
    }
  }

  /** What stands on the line after Tab; then the line is thrown away. */
  private static void completes(Terminal zsh, String typed, String line) throws Exception {
    zsh.expect("PROMPT> ").type(typed + "\t\030").expect("<" + line + ">").type("\003");
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
