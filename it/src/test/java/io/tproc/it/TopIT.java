package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code tproc top}, as users have it. */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class TopIT {
  private static final Pattern FIRST =
      Pattern.compile(
          "\"threadprocs\": \\[\\{\"pid\": (\\d+), \"state\": \"running\", \"threads\": (\\d+), "
              + "\"cpuNanoseconds\": (\\d+), \"cpuPercent\": ([\\d.]+), ");

  private static List<String> top(ListeningHost host, String... options) {
    List<String> command = new java.util.ArrayList<>(List.of(Programs.cli(), "top"));
    command.addAll(List.of(options));
    command.add(host.socket().toString());
    return command;
  }

  @Test
  void theBusiestComesFirst() throws Exception {
    try (ListeningHost host = ListeningHost.open()) {
      Process idle = host.start(Programs.probe("waiter"));
      assertThat(idle.inputReader().readLine()).isEqualTo("ready");
      long idlePid = host.only().pid();
      Process busy = host.start(Programs.hostable("dash"), "-c", "echo ready; while :; do :; done");
      assertThat(busy.inputReader().readLine()).isEqualTo("ready");

      Process top = new ProcessBuilder(top(host, "--json", "-d", "0.2")).start();
      try (BufferedReader lines = top.inputReader()) {
        Matcher first;
        do {
          first = FIRST.matcher(lines.readLine());
          assertThat(first.find()).isTrue();
        } while (Long.parseLong(first.group(1)) == idlePid
            || Double.parseDouble(first.group(4)) < 1);
        assertThat(first.group(2)).as("threads").isEqualTo("1");
        assertThat(Long.parseLong(first.group(3))).isPositive();
      }
      // Nobody reads any more.
      assertThat(top.waitFor()).isZero();
      assertThat(top.errorReader().readLine()).isNull();
      busy.destroyForcibly().waitFor();
      idle.destroyForcibly().waitFor();
      host.untilEmpty();
    }
  }

  @Test
  void aFileGetsPlainTables() throws Exception {
    try (ListeningHost host = ListeningHost.open()) {
      Outcome outcome = Outcome.natively(top(host, "-n", "2", "-d", "0.1"));
      assertThat(outcome.exitValue).as(outcome.toString()).isZero();
      assertThat(outcome.output()).doesNotContain("\033");
      assertThat(outcome.output().lines().filter(line -> line.startsWith("PID  "))).hasSize(2);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"q", "\003"})
  void aTerminalIsRefreshedAndGivenBack(String key) throws Exception {
    Programs.installed("stty");
    try (ListeningHost host = ListeningHost.open();
        Terminal terminal = Terminal.running(top(host, "-d", "0.1"))) {
      terminal.expect("\033[H").expect("0 threadprocs").expect("\033[J").expect("\033[H");
      terminal.untilState("raw quiet");
      assertThat(terminal.type(key).end()).isEqualTo("exited 0");
      terminal.untilState("cooked echo");
    }
  }

  @Test
  void endsWithItsHost() throws Exception {
    ListeningHost host = ListeningHost.open();
    try (Terminal terminal = Terminal.running(top(host, "-d", "0.1"))) {
      terminal.expect("0 threadprocs");
      host.close();
      terminal.expect("the host has ended");
      assertThat(terminal.end()).isEqualTo("exited 1");
      terminal.untilState("cooked echo");
    }
  }
}
