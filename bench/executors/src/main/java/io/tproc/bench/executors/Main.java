package io.tproc.bench.executors;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** The command line of {@code bench/executors/run}. */
public final class Main {
  private Main() {}

  public static void main(String[] arguments) throws IOException, InterruptedException {
    Path programs = Path.of(arguments[1]);
    boolean quick = List.of(arguments).contains("--quick");
    switch (arguments[0]) {
      case "peers" -> System.out.print(new Peers(programs, quick).tables());
      case "scale" -> System.out.print(new Scale(programs, quick).tables());
      case "crash" ->
          Peers.crash(programs, Integer.parseInt(arguments[2]), Integer.parseInt(arguments[3]));
      default -> throw new IllegalArgumentException(arguments[0]);
    }
  }
}
