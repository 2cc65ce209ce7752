package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tproc.TprocHost;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Programs of this machine, unmodified, give their native output. */
@ExtendWith(HostExtension.class)
class RealProgramsIT {
  @TempDir Path directory;

  private static Outcome assertSameAsNative(TprocHost host, String... command) throws Exception {
    Outcome natively = Outcome.natively(command);
    Outcome hosted = Outcome.hosted(host, command);
    assertThat(hosted).isEqualTo(natively);
    return hosted;
  }

  @Test
  void echo(TprocHost host) throws Exception {
    assertThat(assertSameAsNative(host, Programs.hostable("echo"), "hello", "world").output())
        .isEqualTo("hello world\n");
  }

  @Test
  void bashPipelines(TprocHost host) throws Exception {
    String script =
        "set -o pipefail; seq 100000 | sort -rn | head -n 3 | tr '\\n' ' '; echo \"${PIPESTATUS[*]}\"; "
            + "x=$(echo sub | tr a-z A-Z); echo $x; (exit 3); echo $?; cat <<< here; diff <(echo a) <(echo b); "
            + "for i in 1 2 3; do echo $i & wait; done; trap 'echo bye' EXIT";
    String output = assertSameAsNative(host, Programs.hostable("bash"), "-c", script).output();
    assertThat(output)
        .startsWith("100000 99999 99998 ")
        .contains("SUB\n3\nhere\n")
        .endsWith("bye\n");
  }

  @Test
  void dash(TprocHost host) throws Exception {
    String script = "i=0; while [ $i -lt 1000 ]; do i=$((i+1)); done; echo $i | cat; kill -TERM $$";
    Outcome outcome = assertSameAsNative(host, Programs.hostable("dash"), "-c", script);
    assertThat(outcome).returns("1000\n", Outcome::output);
    assertThat(outcome.exitValue).isEqualTo(128 + 15);
  }

  @Test
  void perl(TprocHost host) throws Exception {
    String script =
        "my %h; $h{$_ % 97} .= $_ for 1..20000; print join(',', map { length $h{$_} } sort keys %h), \"\\n\";"
            + "my $pid = fork; if (!$pid) { exit 4 } waitpid $pid, 0; print $? >> 8, \"\\n\"; print `echo from a shell`;";
    assertThat(assertSameAsNative(host, Programs.hostable("perl"), "-e", script).output())
        .endsWith("4\nfrom a shell\n");
  }

  @Test
  void git(TprocHost host) throws Exception {
    String git = Programs.hostable("git");
    String repository = directory.resolve("repository").toString();
    assertThat(Outcome.hosted(host, git, "init", "--quiet", repository).exitValue).isZero();
    Files.writeString(directory.resolve("repository/file"), "text\n");
    assertThat(Outcome.hosted(host, git, "-C", repository, "add", "file").exitValue).isZero();
    String[] commit = {
      git,
      "-C",
      repository,
      "-c",
      "user.name=A",
      "-c",
      "user.email=a@example.org",
      "commit",
      "-q",
      "-m",
      "first"
    };
    assertThat(Outcome.hosted(host, commit).exitValue).isZero();

    assertThat(
            assertSameAsNative(host, git, "-C", repository, "log", "--format=%an %s", "--stat")
                .output())
        .startsWith("A first\n");
    assertSameAsNative(host, git, "-C", repository, "fsck", "--strict");
    assertSameAsNative(host, git, "--version");
  }

  @Test
  void curl(TprocHost host) throws Exception {
    String curl = Programs.hostable("curl");
    assertThat(assertSameAsNative(host, curl, "--version").output()).startsWith("curl ");
    Path file = Files.writeString(directory.resolve("fetched"), "through a URL");
    assertThat(
            assertSameAsNative(
                    host, curl, "-sS", file.toUri().toString().replace("file:///", "file:///"))
                .output())
        .isEqualTo("through a URL");
  }

  @Test
  void sqlite(TprocHost host) throws Exception {
    String sql =
        "create table t(n integer, s text); "
            + "with recursive c(n) as (select 1 union all select n + 1 from c where n < 20000) "
            + "insert into t select n, hex(n * 7919) from c; create index i on t(s); "
            + "select count(*), sum(n), min(s), max(s) from t; select n from t where s = hex(7919 * 5);";
    assertThat(assertSameAsNative(host, Programs.hostable("sqlite3"), ":memory:", sql).output())
        .startsWith("20000|200010000|");
  }

  private static final String PYTHON_SCRIPT =
      """
      import threading, subprocess, json, sys, hashlib, os
      results = []
      def work(n): results.append(hashlib.sha256(str(n).encode() * 10000).hexdigest())
      threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
      [t.start() for t in threads]; [t.join() for t in threads]
      print(json.dumps(sorted(results)))
      print(subprocess.run(['echo', 'from a subprocess'], stdout=subprocess.PIPE).stdout)
      print(subprocess.check_output('exit 0; true | cat', shell=True))
      sys.stdout.flush()
      pid = os.fork()
      if pid == 0: os._exit(9)
      print(os.WEXITSTATUS(os.waitpid(pid, 0)[1]))
      sys.exit(6)
      """;

  @Test
  void python(TprocHost host) throws Exception {
    Optional<Path> python = positionIndependentPython();
    assumeTrue(python.isPresent(), "skipped: no python3 of this machine is position-independent");
    assertPythonWorks(host, python.orElseThrow());
  }

  @Test
  void pythonAtFixedAddresses(TprocHost host) throws Exception {
    Path python = Path.of("/usr/bin/python3");
    assumeTrue(
        Files.isExecutable(python) && !Programs.isHostable(python),
        "skipped: there is no /usr/bin/python3 that has fixed addresses, as Debian's has");
    assertPythonWorks(host, python);
  }

  private static void assertPythonWorks(TprocHost host, Path python) throws Exception {
    // -I -S: nothing of the user's own configuration.
    Outcome outcome = assertSameAsNative(host, python.toString(), "-I", "-S", "-c", PYTHON_SCRIPT);
    assertThat(outcome.output()).as(outcome.error()).contains("from a subprocess").endsWith("9\n");
    assertThat(outcome.exitValue).isEqualTo(6);
  }

  @Test
  void busyboxAtFixedAddresses(TprocHost host) throws Exception {
    String busybox = Programs.installed("busybox");
    String script = "echo $((6 * 7)) | sed s/4/four/; ls -d /; exit 3";
    assertThat(assertSameAsNative(host, busybox, "sh", "-c", script).output())
        .isEqualTo("four2\n/\n");
  }

  /** The first on the PATH, or one that a version manager keeps: what its own shim would run. */
  private static Optional<Path> positionIndependentPython() throws IOException {
    List<Path> candidates = new ArrayList<>();
    Programs.find("python3").ifPresent(candidates::add);
    String home =
        System.getenv().getOrDefault("PYENV_ROOT", System.getProperty("user.home") + "/.pyenv");
    if (Files.isReadable(Path.of(home, "versions"))) {
      try (Stream<Path> versions = Files.list(Path.of(home, "versions"))) {
        versions.map(version -> version.resolve("bin/python3")).sorted().forEach(candidates::add);
      }
    }
    candidates.removeIf(path -> !Programs.isHostable(path));
    return candidates.isEmpty()
        ? Optional.empty()
        : Optional.of(candidates.get(candidates.size() - 1));
  }

  @Test
  void rust(TprocHost host) throws Exception {
    Guest.cannotRunThis("it compiles a Rust program");
    String source =
        "use std::collections::HashMap; use std::sync::mpsc; use std::thread;\n"
            + "fn main() {\n"
            + "  let (sender, receiver) = mpsc::channel();\n"
            + "  for n in 0..8u64 { let s = sender.clone(); thread::spawn(move || s.send(n * n).unwrap()); }\n"
            + "  drop(sender);\n"
            + "  let sum: u64 = receiver.iter().sum();\n"
            + "  let mut map = HashMap::new();\n"
            + "  for n in 0..10000u64 { *map.entry(n % 7).or_insert(0u64) += n; }\n"
            + "  let caught = std::panic::catch_unwind(|| { panic!(\"on purpose\") }).is_err();\n"
            + "  println!(\"{} {} {} {:?}\", sum, map[&3], caught, std::env::args().nth(1));\n"
            + "}\n";
    Path file = Files.writeString(directory.resolve("hello.rs"), source);
    Path program = directory.resolve("hello-rust");
    compile(Programs.installed("rustc"), "-O", "-o", program.toString(), file.toString());

    Outcome natively = Outcome.natively(program.toString(), "argument");
    Outcome hosted = Outcome.hosted(host, program.toString(), "argument");
    assertThat(hosted.output())
        .isEqualTo(natively.output())
        .isEqualTo("140 7146429 true Some(\"argument\")\n");
    assertThat(hosted.exitValue).isZero();
  }

  @Test
  void go(TprocHost host) throws Exception {
    Guest.cannotRunThis("it compiles a Go program");
    String source =
        "package main\n"
            + "import (\"fmt\"; \"os\"; \"os/exec\"; \"runtime\"; \"sync\")\n"
            + "func main() {\n"
            + "  var group sync.WaitGroup; var lock sync.Mutex; sum := 0\n"
            + "  for i := 0; i < 100; i++ { group.Add(1); go func(n int) { defer group.Done()\n"
            + "    kept := make([]byte, 100000); kept[n] = 1; lock.Lock(); sum += n * int(kept[n]); lock.Unlock() }(i) }\n"
            + "  group.Wait(); runtime.GC()\n"
            + "  out, err := exec.Command(\"/bin/echo\", \"from a child\").Output()\n"
            + "  fmt.Println(sum, os.Args[1], string(out), err)\n"
            + "  defer func() { fmt.Println(recover() != nil); os.Exit(8) }()\n"
            + "  var nothing *int; fmt.Println(*nothing)\n"
            + "}\n";
    Path file = Files.writeString(directory.resolve("hello.go"), source);
    Path program = directory.resolve("hello-go");
    compile(
        Programs.installed("go"),
        "build",
        "-buildmode=pie",
        "-o",
        program.toString(),
        file.toString());

    Outcome outcome = assertSameAsNative(host, program.toString(), "argument");
    assertThat(outcome).returns("4950 argument from a child\n <nil>\ntrue\n", Outcome::output);
    assertThat(outcome.exitValue).isEqualTo(8);
  }

  @Test
  void muslDynamicAndStatic(TprocHost host) throws Exception {
    String musl = Programs.installed("musl-gcc");
    for (String[] kind : new String[][] {{"-fPIE", "-pie"}, {"-fPIE", "-static-pie"}}) {
      for (String probe : new String[] {"threads", "image", "auxiliary", "forker", "stack"}) {
        Path program = directory.resolve(probe + kind[1]);
        List<String> command = new ArrayList<>(List.of(musl, "-O2", "-D_GNU_SOURCE", "-pthread"));
        command.addAll(List.of(kind));
        command.addAll(List.of("-o", program.toString(), source(probe)));
        compile(command.toArray(new String[0]));
        if (probe.equals("auxiliary")) {
          assertThat(Outcome.hosted(host, program.toString()).values())
              .doesNotContainValue("WRONG");
        } else {
          assertThat(assertSameAsNative(host, program.toString(), "4").exitValue)
              .as(probe)
              .isZero();
        }
      }
    }
  }

  private static String source(String probe) {
    Path sources = Path.of(System.getProperty("tproc.it.sources", "src/test/programs"));
    Path source = sources.resolve(probe + ".c").toAbsolutePath();
    assumeTrue(Files.exists(source), "skipped: the sources of the probes are not here");
    return source.toString();
  }

  private void compile(String... command) throws Exception {
    ProcessBuilder compiler = new ProcessBuilder(command);
    compiler.environment().put("HOME", System.getProperty("user.home"));
    compiler.environment().putIfAbsent("GOCACHE", directory.resolve("go-cache").toString());
    compiler.environment().put("GO111MODULE", "off");
    Outcome outcome = Outcome.of(compiler.start(), "");
    assertThat(outcome.exitValue).as(outcome.toString()).isZero();
  }
}
