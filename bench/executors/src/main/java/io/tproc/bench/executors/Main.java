package io.tproc.bench.executors;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The command line of {@code bench/executors/run}. */
public final class Main {
  private Main() {}

  public static void main(String[] arguments) throws IOException, InterruptedException {
    Path programs = Path.of(arguments[1]);
    Length length = Length.of(List.of(arguments));
    switch (arguments[0]) {
      case "peers" -> System.out.print(new Peers(programs, length).tables());
      case "scale" -> System.out.print(new Scale(programs, length).tables());
      case "write" ->
          MarkedPart.replace(
              Path.of(arguments[3]), arguments[2], Files.readString(Path.of(arguments[1])));
      case "crash" ->
          Peers.crash(programs, Integer.parseInt(arguments[2]), Integer.parseInt(arguments[3]));
      default -> throw new IllegalArgumentException(arguments[0]);
    }
  }
}
