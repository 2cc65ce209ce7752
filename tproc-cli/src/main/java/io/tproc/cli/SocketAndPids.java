package io.tproc.cli;

import com.google.common.primitives.Ints;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/**
 * The words {@code [SOCKET] PID...} of a command line: a first word that is no number is the
 * socket.
 */
record SocketAndPids(Path socket, List<Integer> pids) {
  private static final String NUMBER = "-?[0-9]+";

  /**
   * Reads them.
   *
   * @param most how many pids there may be
   * @throws ParameterException for what is no pid, for too many of them, and without any socket
   */
  static SocketAndPids of(List<String> words, int most, CommandLine command) {
    boolean named = !words.isEmpty() && !words.get(0).matches(NUMBER);
    List<String> rest = named ? words.subList(1, words.size()) : words;
    if (rest.size() > most) {
      throw new ParameterException(command, "'" + rest.get(most) + "' is one argument too many");
    }
    List<Integer> pids = rest.stream().map(word -> pid(word, command)).toList();
    return new SocketAndPids(named ? socket(words.get(0), command) : defaultSocket(command), pids);
  }

  /** The socket that the command line names. */
  static Path socket(String name, CommandLine command) {
    if (name.isEmpty()) {
      throw new ParameterException(command, "the socket's name is empty");
    }
    try {
      return Path.of(name);
    } catch (InvalidPathException wrong) {
      throw new ParameterException(command, "no path of a socket: " + wrong.getMessage(), wrong);
    }
  }

  private static int pid(String word, CommandLine command) {
    @Nullable Integer pid = Ints.tryParse(word);
    if (pid == null || pid <= 0) {
      throw new ParameterException(command, "'" + word + "' is no process id");
    }
    return pid;
  }

  static Path defaultSocket(CommandLine command) {
    return DefaultSocket.of(System::getenv)
        .orElseThrow(
            () ->
                new ParameterException(
                    command,
                    "SOCKET is missing, and neither TPROC_SOCKET nor XDG_RUNTIME_DIR is set"));
  }
}
