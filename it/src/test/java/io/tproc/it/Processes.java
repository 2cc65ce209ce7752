package io.tproc.it;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What /proc says about processes. */
final class Processes {
  private Processes() {}

  /** A process as /proc/PID/stat describes it. */
  record State(long pid, String name, char state, long parent) {
    boolean isZombie() {
      return state == 'Z' || state == 'X';
    }
  }

  /** The state of a process, or empty when there is none with that id. */
  static Optional<State> of(long pid) {
    try {
      String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
      int open = stat.indexOf('(');
      int close = stat.lastIndexOf(')');
      String[] rest = stat.substring(close + 2).split(" ");
      return Optional.of(
          new State(
              pid, stat.substring(open + 1, close), rest[0].charAt(0), Long.parseLong(rest[1])));
    } catch (IOException e) {
      return Optional.empty(); // it ended, perhaps while we read
    }
  }

  /** Whether a process runs: a zombie does not. */
  static boolean isRunning(long pid) {
    return of(pid).filter(state -> !state.isZombie()).isPresent();
  }

  /** Whether this JVM was started with a signal ignored, as are then the programs it starts. */
  static boolean ignores(int signal) throws IOException {
    String ignored =
        Files.readAllLines(Path.of("/proc/self/status")).stream()
            .filter(line -> line.startsWith("SigIgn:"))
            .map(line -> line.substring("SigIgn:".length()).strip())
            .findFirst()
            .orElseThrow();
    return (Long.parseUnsignedLong(ignored, 16) >>> (signal - 1) & 1) != 0;
  }

  /** Every child of this JVM, zombies too. */
  static List<State> children() {
    long self = ProcessHandle.current().pid();
    List<State> children = new ArrayList<>();
    try (DirectoryStream<Path> all = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
      for (Path process : all) {
        of(Long.parseLong(process.getFileName().toString()))
            .filter(state -> state.parent() == self)
            .ifPresent(children::add);
      }
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
    return children;
  }
}
