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

  /** A process as /proc/PID/stat describes it; its group, and the one that has its terminal. */
  record State(long pid, String name, char state, long parent, long group, long foregroundGroup) {
    boolean isZombie() {
      return state == 'Z' || state == 'X';
    }

    /** It has the terminal, and is not stopped any more. */
    boolean isInForeground() {
      return group == foregroundGroup && !isZombie() && state != 'T' && state != 't';
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
              pid,
              stat.substring(open + 1, close),
              rest[0].charAt(0),
              Long.parseLong(rest[1]),
              Long.parseLong(rest[2]),
              Long.parseLong(rest[5])));
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
