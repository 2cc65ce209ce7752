package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** perf and core dumps of hosted programs, as docs/debugging.md describes them. */
class ProfileAndCoreIT {
  @TempDir Path directory;

  private Process server;

  private static List<String> tproc(String... arguments) {
    List<String> command = new ArrayList<>(List.of(Programs.cli()));
    command.addAll(List.of(arguments));
    return command;
  }

  private Path socket() {
    return directory.resolve("space.sock");
  }

  /** A host with a small Java heap, which a core file has, too. */
  @BeforeEach
  void serve() throws Exception {
    ProcessBuilder builder = new ProcessBuilder(tproc("serve", socket().toString()));
    builder.environment().put("TPROC_JAVA_OPTS", "-Xmx64m");
    server = builder.start();
    assertThat(server.inputReader().readLine()).startsWith("listening at ");
  }

  @AfterEach
  void end() throws Exception {
    server.destroy();
    server.waitFor();
  }

  private Process start(String prefix, String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of("/bin/sh", "-c", prefix + "exec \"$@\"", "sh"));
    command.addAll(ListeningHost.command(socket(), Programs.probe("debuggee")));
    command.addAll(List.of(arguments));
    Process launcher = new ProcessBuilder(command).directory(directory.toFile()).start();
    assertThat(launcher.inputReader().readLine()).isEqualTo("ready");
    return launcher;
  }

  private String onlyPid() throws Exception {
    String list = Outcome.natively(tproc("ps", socket().toString())).output();
    return list.lines().skip(1).findFirst().orElseThrow().strip().split(" ")[0];
  }

  @Test
  void perfNamesTheFunctionsOfAHostedProgram() throws Exception {
    String perf = Programs.installed("perf");
    Process launcher = start("", "burn");
    try {
      String data = directory.resolve("data").toString();
      Outcome record =
          Outcome.natively(
              perf,
              "record",
              "-q",
              "-e",
              "cpu-clock",
              "--call-graph",
              "dwarf",
              "-o",
              data,
              "-p",
              onlyPid(),
              "--",
              "sleep",
              "1");
      assumeTrue(record.exitValue == 0, "skipped: perf may not record here: " + record.error());
      assertThat(
              Outcome.natively(perf, "script", "--no-inline", "-i", data, "-F", "comm,ip,sym,dso")
                  .output())
          .contains("burn (" + Programs.probe("debuggee") + ")")
          .contains("main (" + Programs.probe("debuggee") + ")")
          .containsPattern("__libc_start_\\w+ \\(/.*/libc[.-]");
    } finally {
      launcher.destroy();
      launcher.waitFor();
    }
  }

  @Test
  void gdbReadsTheCoreOfAHostedProgram() throws Exception {
    String gdb = Programs.installed("gdb");
    String pattern = Files.readString(Path.of("/proc/sys/kernel/core_pattern")).strip();
    assumeTrue(
        pattern.matches("[\\w.%]+"), "skipped: core dumps do not go to the directory: " + pattern);
    Process launcher = start("ulimit -c unlimited || exit; ");
    String pid = onlyPid();
    List<String> script = new ArrayList<>(tproc("gdb", "--script", socket().toString(), pid));
    String symbols = Outcome.natively(script).output().replaceFirst("(?m)^attach .*$", "");
    Path commands = Files.writeString(directory.resolve("symbols.gdb"), symbols);
    Outcome.natively(tproc("kill", "-ABRT", socket().toString(), pid));
    assertThat(launcher.waitFor()).isEqualTo(128 + 6);

    Path core;
    try (var files = Files.list(directory)) {
      core =
          files
              .filter(file -> file.getFileName().toString().startsWith("core"))
              .findFirst()
              .orElseThrow();
    }
    String libraries = "set libthread-db-search-path /dev/null";
    Outcome read =
        Outcome.natively(
            gdb,
            "-q",
            "-batch",
            "-iex",
            libraries,
            "-ex",
            "core-file " + core,
            "-x",
            commands.toString(),
            "-ex",
            "bt",
            "-ex",
            "frame function inner",
            "-ex",
            "print *node");
    assertThat(read.output())
        .as(read.toString())
        .contains("in inner (node=")
        .contains("in main (")
        .contains("{value = 1234, next = 0x0}");
  }
}
