package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tproc.Signals;
import io.tproc.ThreadProc;
import io.tproc.ThreadProcStatus;
import io.tproc.ThreadProcStatus.State;
import io.tproc.TprocHost;
import io.tproc.TprocListener;
import java.io.BufferedReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code TprocHost.listen}: the socket, whose it is, and how it goes. */
class ListenIT {
  @TempDir Path directory;

  private Path socket() {
    return directory.resolve("space.sock");
  }

  private static Outcome launch(Path socket, String... program) throws Exception {
    return Outcome.natively(ListeningHost.command(socket, program));
  }

  private static void assertWorks(Path socket) throws Exception {
    Outcome outcome = launch(socket, Programs.sample("crash"), "exit", "7");
    assertThat(outcome.exitValue).as(outcome.toString()).isEqualTo(7);
  }

  @Test
  void theSocketIsTheUsersOwnAndGoesWithTheListener() throws Exception {
    Resources before = Resources.now();
    try (TprocHost host = TprocHost.open()) {
      try (TprocListener listener = host.listen(socket())) {
        assertThat(listener.socket()).isEqualTo(socket());
        assertThat(listener.isOpen()).isTrue();
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket())))
            .isEqualTo("rw-------");
        assertWorks(socket());
      }
      assertThat(socket()).doesNotExist();
      assertThat(host.command(Programs.nothing()).start().waitFor()).isZero();
    }
    before.assertAsBefore();
  }

  @Test
  void closingTheHostEndsItsListeners() throws Exception {
    TprocHost host = TprocHost.open();
    TprocListener first = host.listen(socket());
    TprocListener second = host.listen(directory.resolve("second.sock"));
    assertWorks(second.socket());

    host.close();

    assertThat(first.isOpen()).isFalse();
    assertThat(second.isOpen()).isFalse();
    assertThat(directory).isEmptyDirectory();
    first.close();
    assertThatIllegalStateException().isThrownBy(() -> host.listen(socket()));
    assertThat(directory).isEmptyDirectory();
  }

  @Test
  void theHostListsItsOwnAndLaunchedPrograms() throws Exception {
    Instant before = Instant.now();
    ListeningHost listening = ListeningHost.open();
    TprocHost host = listening.host();
    try (listening;
        ThreadProc own = host.command(Programs.installed("sleep"), "60").start()) {
      Process launcher = listening.start(Programs.installed("sleep"), "61");
      assertThat(until(() -> host.statuses().size() == 2)).isTrue();

      ThreadProcStatus first = host.statuses().get(0);
      ThreadProcStatus second = host.statuses().get(1);
      assertThat(first.pid()).isEqualTo(own.pid());
      assertThat(first.launched()).isFalse();
      assertThat(first.launcher()).isEmpty();
      assertThat(second.launched()).isTrue();
      assertThat(second.launcher()).hasValue(launcher.pid());
      assertThat(first.command()).containsExactly(Programs.installed("sleep"), "60");
      assertThat(second.command()).containsExactly(Programs.installed("sleep"), "61");
      for (ThreadProcStatus each : List.of(first, second)) {
        assertThat(each.uid())
            .isEqualTo((int) Files.getAttribute(Path.of("/proc/self"), "unix:uid"));
        assertThat(each.state()).isEqualTo(State.RUNNING);
        assertThat(each.startedAt()).isBetween(before, Instant.now());
        assertThat(each.uptime()).isPositive();
        assertThat(each.resident()).isPositive().isLessThanOrEqualTo(each.mapped());
        assertThat(each.commandCut()).isFalse();
      }

      own.signal(Signals.SIGSTOP);
      assertThat(until(() -> host.statuses().get(0).state() == State.STOPPED)).isTrue();
      own.destroyForcibly();
      own.waitFor();
      assertThat(host.statuses().get(0).state()).isEqualTo(State.ENDED);
      assertThat(host.statuses().get(0).uptime()).isEqualTo(host.statuses().get(0).uptime());
      own.close();
      assertThat(host.statuses()).extracting(ThreadProcStatus::pid).containsExactly(second.pid());
      launcher.destroyForcibly();
      assertThat(until(() -> host.statuses().isEmpty())).isTrue();
    }
    assertThatIllegalStateException().isThrownBy(host::statuses).withMessage("the host is closed");
  }

  private static boolean until(BooleanSupplier condition) {
    return Patience.until(Patience.seconds(20), condition);
  }

  @Test
  void aCommandThatIsTooLongIsCut() throws Exception {
    List<String> command = new ArrayList<>(Collections.nCopies(101, "x".repeat(99)));
    command.set(0, Programs.nothing());
    try (TprocHost host = TprocHost.open();
        ThreadProc program = host.command(command).start()) {
      program.waitFor();
      ThreadProcStatus status = host.statuses().get(0);
      assertThat(status.commandCut()).isTrue();
      assertThat(status.command().subList(0, 30)).isEqualTo(command.subList(0, 30));
      assertThat(String.join(" ", status.command())).hasSizeBetween(3900, 4096);
    }
  }

  @Test
  void aHostThatListensIsNotPushedAside() throws Exception {
    try (TprocHost host = TprocHost.open();
        TprocListener listener = host.listen(socket());
        TprocHost other = TprocHost.open()) {
      assertThatIOException()
          .isThrownBy(() -> other.listen(socket()))
          .withMessageContaining(socket().toString())
          .withMessageContaining("a host listens there already");
      assertWorks(listener.socket());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"file", "directory", "link"})
  void whatIsNoSocketIsNeitherReplacedNorRemoved(String kind) throws Exception {
    switch (kind) {
      case "file" -> Files.writeString(socket(), "precious");
      case "directory" -> Files.createDirectory(socket());
      default -> Files.createSymbolicLink(socket(), Path.of("/dev/null"));
    }
    try (TprocHost host = TprocHost.open()) {
      assertThatIOException()
          .isThrownBy(() -> host.listen(socket()))
          .withMessageContaining(socket().toString());
    }
    assertThat(Files.exists(socket(), java.nio.file.LinkOption.NOFOLLOW_LINKS)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"rwxrwx---", "rwx----w-", "rwxrwxrwx"})
  void aDirectoryThatOthersCanWriteToIsRefused(String mode) throws Exception {
    Path open = Files.createDirectory(directory.resolve("open"));
    Files.setPosixFilePermissions(open, PosixFilePermissions.fromString(mode));
    try (TprocHost host = TprocHost.open()) {
      assertThatIOException()
          .isThrownBy(() -> host.listen(open.resolve("s")))
          .withMessageContaining(open.toString())
          .withMessageContaining("XDG_RUNTIME_DIR");
    }
    assertThat(open).isEmptyDirectory();
  }

  @Test
  void aMissingDirectoryIsSaid() {
    Path missing = directory.resolve("no/such/s");
    try (TprocHost host = TprocHost.open()) {
      assertThatIOException()
          .isThrownBy(() -> host.listen(missing))
          .withMessageContaining(missing.getParent().toString())
          .withMessageContaining("ENOENT");
    }
  }

  @Test
  void aPathLongerThanTheKernelsAddressesWorks() throws Exception {
    Path deep =
        Files.createDirectories(directory.resolve("d".repeat(120)).resolve("e".repeat(120)));
    Path there = deep.resolve("s".repeat(60));
    try (TprocHost host = TprocHost.open();
        TprocListener listener = host.listen(there)) {
      assertWorks(listener.socket());
    }
    assertThat(there).doesNotExist();
  }

  @Test
  void aSocketThatSomebodyElseHasPutThereIsLeft() throws Exception {
    try (TprocHost host = TprocHost.open();
        TprocHost other = TprocHost.open()) {
      TprocListener first = host.listen(socket());
      Files.move(socket(), directory.resolve("moved"));
      try (TprocListener second = other.listen(socket())) {
        first.close();
        assertWorks(second.socket());
      }
    }
  }

  @Test
  void onlyWhatTheHostHasStartedItselfIsListedInJava() throws Exception {
    try (ListeningHost listening = ListeningHost.open()) {
      Process launcher = listening.start(Programs.probe("waiter"));
      assertThat(launcher.inputReader().readLine()).isEqualTo("ready");
      var own = listening.host().command(Programs.probe("waiter")).start();

      assertThat(listening.host().running()).containsExactly(own);
      assertThat(until(() -> listening.programs().size() == 2)).isTrue(); // it is listed soon
      launcher.destroy();
      assertThat(launcher.waitFor()).isEqualTo(128 + 15);
      assertThat(own.isAlive()).isTrue();
    }
  }

  @Test
  void anAddressInALaunchedProgramHasNoOwnerInJava() throws Exception {
    try (ListeningHost listening = ListeningHost.open()) {
      Process launcher = listening.start(Programs.probe("waiter"));
      assertThat(launcher.inputReader().readLine()).isEqualTo("ready");
      long pid = listening.only().pid();
      try (var client = io.tproc.cli.client.HostClient.connect(listening.socket())) {
        long address = client.mappings(pid).items().get(0).address();
        assertThat(listening.host().ownerOf(address)).isEmpty();
      }
      launcher.destroyForcibly();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "TERM, 143, true",
    "INT, 130, true",
    "HUP, 129, true",
    "KILL, 137, false",
    "exit, 5, true",
    "return, 0, true",
    "halt, 6, false"
  })
  void howeverTheJvmEnds(String how, int status, boolean removed) throws Exception {
    Process jvm = new ChildJvm().main(Listening.class, socket().toString()).start();
    Process launcher = null;
    try (BufferedReader output = jvm.inputReader()) {
      assertThat(output.readLine()).isEqualTo("listening");
      assertWorks(socket());
      launcher =
          new ProcessBuilder(ListeningHost.command(socket(), Programs.probe("waiter"))).start();
      assertThat(launcher.inputReader().readLine()).isEqualTo("ready");

      if (how.equals(how.toUpperCase(java.util.Locale.ROOT))) {
        Outcome.natively(Programs.installed("kill"), "-" + how, Long.toString(jvm.pid()));
      } else {
        jvm.outputWriter().append(how).append('\n').flush();
      }

      assertThat(jvm.waitFor()).as(how).isEqualTo(status);
      assertThat(Files.exists(socket())).as("the socket is there").isEqualTo(!removed);
      Outcome launched = Outcome.of(launcher, "");
      assertThat(launched.exitValue).as(launched.toString()).isEqualTo(125);
      assertThat(launched.error()).startsWith("tproc-run: ");
    } finally {
      jvm.destroyForcibly();
      if (launcher != null) {
        launcher.destroyForcibly();
      }
    }
    // What a dead host has left does not stand in the way.
    try (TprocHost host = TprocHost.open();
        TprocListener listener = host.listen(socket())) {
      assertWorks(listener.socket());
    }
  }

  /** Listens until told how to end. */
  static final class Listening {
    private Listening() {}

    @SuppressWarnings("SystemExitOutsideMain")
    public static void main(String[] arguments) throws Exception {
      TprocListener unused = TprocHost.open().listen(Path.of(arguments[0]));
      System.out.println("listening");
      String order = new BufferedReader(new java.io.InputStreamReader(System.in)).readLine();
      switch (String.valueOf(order)) {
        case "exit" -> System.exit(5);
        case "halt" -> Runtime.getRuntime().halt(6);
        default -> System.out.println("leaving it open: " + unused);
      }
    }
  }

  @Test
  void otherUsersAreNotAnswered() throws Exception {
    assumeTrue(Programs.isRoot(), "skipped: only root can become another user");
    String setpriv = Programs.installed("setpriv");
    Path launcher = Files.copy(Path.of(ListeningHost.launcher()), directory.resolve("tproc-run"));
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
    List<String> asNobody =
        List.of(
            setpriv,
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            launcher.toString(),
            socket().toString(),
            "/bin/true");
    try (TprocHost host = TprocHost.open();
        TprocListener listener = host.listen(socket())) {
      Outcome kept = Outcome.natively(asNobody);
      assertThat(kept.exitValue).as(kept.toString()).isEqualTo(125);
      assertThat(kept.error()).contains(socket().toString()).contains("Permission denied");

      // Even when the socket's mode is opened: the kernel says who connects.
      Files.setPosixFilePermissions(
          listener.socket(), PosixFilePermissions.fromString("rw-rw-rw-"));
      Outcome refused = Outcome.natively(asNobody);
      assertThat(refused.exitValue).as(refused.toString()).isEqualTo(125);
      assertThat(refused.error()).startsWith("tproc-run: ").contains("user");
      assertWorks(socket());
    }
  }

  @Test
  void aLauncherTrustsOnlyHostsOfItsOwnUser() throws Exception {
    assumeTrue(Programs.isRoot(), "skipped: only root can become another user");
    // A listener of another user at the path: it must not get the launcher's descriptors.
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxrwxrwx"));
    Process other =
        new ProcessBuilder(
                Programs.installed("setpriv"),
                "--reuid=65534",
                "--regid=65534",
                "--clear-groups",
                Programs.installed("perl"),
                "-MSocket",
                "-e",
                "socket(S, PF_UNIX, SOCK_STREAM, 0); bind(S, pack_sockaddr_un($ARGV[0])) or die $!;"
                    + " listen(S, 5); $| = 1; print qq(ready\\n); while (accept(C, S)) {"
                    + " sysread(C, $x, 100); print length($x), qq(\\n); }",
                socket().toString())
            .start();
    try {
      assertThat(other.inputReader().readLine()).isEqualTo("ready");
      Outcome refused = launch(socket(), "/bin/true");
      assertThat(refused.exitValue).as(refused.toString()).isEqualTo(125);
      assertThat(refused.error()).startsWith("tproc-run: ").contains("user");
      assertThat(other.inputReader().readLine()).as("bytes that were sent").isEqualTo("0");
    } finally {
      other.destroyForcibly();
    }
  }

  @Test
  void manyListenersOpenAndCloseAtOnceWithoutATrace() throws Exception {
    ExecutorService users = Executors.newFixedThreadPool(4);
    try (TprocHost host = TprocHost.open()) {
      openAndClose(users, host); // threads take memory of their own when they first run
      Resources before = Resources.now();
      openAndClose(users, host);
      before.assertAsBefore();
    } finally {
      users.shutdownNow();
    }
    assertThat(directory).isEmptyDirectory();
  }

  private void openAndClose(ExecutorService users, TprocHost host) throws Exception {
    List<Callable<Boolean>> all = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      Path socket = directory.resolve("s" + i);
      all.add(
          () -> {
            try (TprocListener each = host.listen(socket)) {
              assertWorks(each.socket());
            }
            return Files.exists(socket);
          });
    }
    for (Future<Boolean> left : users.invokeAll(all)) {
      assertThat(left.get()).isFalse();
    }
  }
}
