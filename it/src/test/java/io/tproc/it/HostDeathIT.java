package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.tproc.TprocHost;
import java.io.BufferedReader;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** However the host's JVM ends, its threadprocs end with it, within a second. */
class HostDeathIT {
  private static final int PROGRAMS = 8;

  @ParameterizedTest
  @CsvSource({"KILL", "TERM", "SEGV", "exit", "halt", "return"})
  void takesAllThreadProcsWithIt(String cause) throws Exception {
    Process host = new ChildJvm().main(DyingHost.class, Integer.toString(PROGRAMS)).start();
    List<Long> pids = new ArrayList<>();
    try (BufferedReader output = host.inputReader()) {
      for (int i = 0; i < PROGRAMS; i++) {
        String line = output.readLine();
        assertThat(line).as("%s", cause).isNotNull();
        pids.add(Long.parseLong(line));
      }
      assertThat(pids).allMatch(Processes::isRunning);

      if (cause.equals(cause.toUpperCase(java.util.Locale.ROOT))) {
        assertThat(
                Outcome.natively(Programs.installed("kill"), "-" + cause, Long.toString(host.pid()))
                    .exitValue)
            .isZero();
      } else {
        host.outputWriter().append(cause).append('\n').flush();
      }
      host.waitFor();
      Patience.untilNothingToComplainOf(Patience.seconds(1), () -> survivors(pids));
    } finally {
      host.destroyForcibly();
    }
  }

  private static String survivors(List<Long> pids) {
    List<Long> alive = pids.stream().filter(Processes::isRunning).toList();
    return alive.isEmpty() ? "" : "still running: " + alive;
  }

  /** Hosts programs, prints their pids, and ends as its input says. */
  static final class DyingHost {
    private DyingHost() {}

    public static void main(String[] arguments) throws Exception {
      TprocHost host = TprocHost.open();
      for (int i = 0; i < Integer.parseInt(arguments[0]); i++) {
        var program =
            host.command(Programs.probe("waiter"), i % 2 == 0 ? "stubborn" : "default").start();
        program.inputReader().readLine();
        System.out.println(program.pid());
      }
      switch (new String(System.in.readNBytes(4), java.nio.charset.StandardCharsets.US_ASCII)) {
        case "exit" -> System.exit(0);
        case "halt" -> Runtime.getRuntime().halt(0);
        default -> System.out.println("leaving the host open");
      }
    }
  }
}
