package io.tproc.it;

import io.tproc.ThreadProcStatus;
import io.tproc.TprocHost;
import io.tproc.TprocListener;
import io.tproc.cli.client.HostClient;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * A host of this JVM that listens in a directory of its own, and the launcher that finds it. As a
 * registered extension it serves all tests of a class, and sees after each that nothing is left.
 */
final class ListeningHost implements AutoCloseable, AfterEachCallback, AfterAllCallback {
  private final Path directory;
  private final TprocHost host;
  private final TprocListener listener;

  private ListeningHost(Path directory, TprocHost host, TprocListener listener) {
    this.directory = directory;
    this.host = host;
    this.listener = listener;
  }

  static ListeningHost open() throws IOException {
    Path directory = Files.createTempDirectory("tproc-it");
    TprocHost host = TprocHost.open();
    return new ListeningHost(directory, host, host.listen(directory.resolve("space.sock")));
  }

  /** For a static field with {@code @RegisterExtension}. */
  static ListeningHost forAllTests() {
    try {
      return open();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The launcher's program. */
  static String launcher() {
    return Programs.probe("tproc-run");
  }

  /** Everything of {@code tproc-run SOCKET PROGRAM ARGS...}. */
  static List<String> command(Path socket, String... program) {
    List<String> command = new ArrayList<>(List.of(launcher(), socket.toString()));
    command.addAll(List.of(program));
    return command;
  }

  /** The same with an option of the launcher's, or with "" as it is. */
  static List<String> with(String option, List<String> command) {
    List<String> all = new ArrayList<>(command);
    if (!option.isEmpty()) {
      all.add(1, option);
    }
    return all;
  }

  TprocHost host() {
    return host;
  }

  TprocListener listener() {
    return listener;
  }

  Path socket() {
    return listener.socket();
  }

  /** Starts a launcher. */
  Process start(String... program) throws IOException {
    return new ProcessBuilder(command(socket(), program)).start();
  }

  /** Runs a launcher to its end, without input. */
  Outcome run(String... program) throws Exception {
    return Outcome.of(start(program), "");
  }

  /**
   * A shell script in which {@code $R} is the launcher and {@code $S} the socket, and {@code $1} is
   * the first argument.
   */
  ProcessBuilder script(String shell, String script, String... arguments) {
    List<String> command = new ArrayList<>(List.of(Programs.installed(shell), "-c", script, shell));
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put("R", launcher());
    builder.environment().put("S", socket().toString());
    return builder;
  }

  /** Runs a script of {@link #script} to its end. */
  Outcome sh(String script, String... arguments) throws Exception {
    return Outcome.of(script("bash", script, arguments).start(), "");
  }

  /** The host's threadprocs. */
  List<ThreadProcStatus> programs() {
    try (HostClient client = HostClient.connect(socket())) {
      return client.statuses().items();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The one program that runs now. It may run a moment before it is listed. */
  ThreadProcStatus only() {
    return onlyBeside(0);
  }

  /** The one that runs now beside another, of which the pid is known. */
  ThreadProcStatus onlyBeside(long pid) {
    List<ThreadProcStatus> all = new ArrayList<>();
    Patience.untilNothingToComplainOf(
        Patience.seconds(5),
        () -> {
          all.clear();
          programs().stream().filter(each -> each.pid() != pid).forEach(all::add);
          return all.size() == 1 ? "" : "not one program: " + all;
        });
    return all.get(0);
  }

  /** Waits until what was launched has ended and been released. */
  void untilEmpty() {
    Patience.untilNothingToComplainOf(
        Patience.seconds(10),
        () -> {
          List<ThreadProcStatus> left = programs();
          return left.isEmpty() ? "" : "still there: " + left;
        });
  }

  @Override
  public void afterEach(ExtensionContext test) {
    untilEmpty();
  }

  @Override
  public void afterAll(ExtensionContext tests) throws IOException {
    close();
  }

  @Override
  public void close() throws IOException {
    host.close();
    Files.deleteIfExists(listener.socket());
    Files.delete(directory);
  }
}
