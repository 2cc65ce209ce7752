package io.tproc.it;

import static io.tproc.Errno.E2BIG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tproc.LaunchException;
import io.tproc.ThreadProc;
import io.tproc.ThreadProcBuilder;
import io.tproc.TprocHost;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The environment a program gets is the one it was given. */
@ExtendWith(HostExtension.class)
class EnvironmentIT {

  /** The kernel's MAX_ARG_STRLEN: 32 pages, with the terminating NUL (execve(2)). */
  private static final int STRING_MAX = 131072;

  @Test
  void isTheHostsUnlessChanged(TprocHost host) throws Exception {
    assertThat(seenBy(host.command(Programs.probe("environment"))))
        .isEqualTo(new TreeMap<>(System.getenv()));
  }

  @Test
  void isTheOneOfTheBuilder(TprocHost host) throws Exception {
    ThreadProcBuilder builder = host.command(Programs.probe("environment"));
    builder.environment().put("TPROC_ADDED", "a value = with spaces");
    builder.environment().put("TPROC_EMPTY", "");
    builder.environment().remove("PATH");
    TreeMap<String, String> expected = new TreeMap<>(System.getenv());
    expected.remove("PATH");
    expected.put("TPROC_ADDED", "a value = with spaces");
    expected.put("TPROC_EMPTY", "");

    assertThat(seenBy(builder)).isEqualTo(expected);
  }

  @Test
  void canBeEmpty(TprocHost host) throws Exception {
    ThreadProcBuilder builder = host.command(Programs.probe("environment"));
    builder.environment().clear();

    assertThat(seenBy(builder)).isEmpty();
  }

  @Test
  void canHaveAMebibyte(TprocHost host) throws Exception {
    ThreadProcBuilder builder = host.command(Programs.probe("environment"));
    builder.environment().clear();
    for (int i = 0; i < 64; i++) {
      builder.environment().put("VARIABLE_" + i, Character.toString('a' + i % 26).repeat(16 << 10));
    }
    Map<String, String> expected = new TreeMap<>(builder.environment());

    assertThat(seenBy(builder)).isEqualTo(expected);
  }

  @Test
  void canHaveManyVariables(TprocHost host) throws Exception {
    ThreadProcBuilder builder = host.command(Programs.probe("environment"));
    for (int i = 0; i < 10_000; i++) {
      builder.environment().put("V" + i, Integer.toString(i));
    }
    Map<String, String> expected = new TreeMap<>(builder.environment());

    assertThat(seenBy(builder)).isEqualTo(expected);
  }

  @Test
  void hasTheKernelsLimitForOneVariable(TprocHost host) throws Exception {
    ThreadProcBuilder builder = host.command(Programs.probe("environment"));
    builder.environment().clear();
    builder.environment().put("A", "x".repeat(STRING_MAX - "A=".length() - 1));
    assertThat(seenBy(builder).get("A")).hasSize(STRING_MAX - 3);

    builder.environment().put("A", "x".repeat(STRING_MAX - "A=".length()));
    assertThatThrownBy(builder::start)
        .isInstanceOfSatisfying(LaunchException.class, e -> assertThat(e.errno()).isEqualTo(E2BIG))
        .hasMessageContaining("E2BIG");
  }

  @Test
  void keepsEncodedCharactersAsAProcessWould(TprocHost host) throws Exception {
    ThreadProcBuilder builder = host.command(Programs.probe("environment"));
    ProcessBuilder natively = new ProcessBuilder(Programs.probe("environment"));
    for (Map<String, String> environment : List.of(builder.environment(), natively.environment())) {
      environment.clear();
      environment.put("GRÜSSE", "Größe €");
    }

    try (ThreadProc program = builder.start()) {
      assertThat(Outcome.of(program, "").outputBytes())
          .isEqualTo(Outcome.of(natively.start(), "").outputBytes());
    }
  }

  @Test
  void refusesWhatIsNoVariable(TprocHost host) {
    Map<String, String> environment = host.command(Programs.nothing()).environment();

    assertThatThrownBy(() -> environment.put("A=B", "c"))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> environment.put("A\0", "c"))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> environment.put("A", "c\0"))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> environment.put("A", null)).isInstanceOf(NullPointerException.class);
  }

  @Test
  void ofTheHostStaysAsItIs(TprocHost host) throws Exception {
    Map<String, String> before = Map.copyOf(System.getenv());
    Outcome.hosted(host, Programs.probe("changes"));

    assertThat(System.getenv()).isEqualTo(before);
  }

  private static Map<String, String> seenBy(ThreadProcBuilder builder) throws Exception {
    try (ThreadProc program = builder.start()) {
      return Outcome.of(program, "").strings().stream()
          .collect(
              Collectors.toMap(
                  entry -> entry.substring(0, entry.indexOf('=')),
                  entry -> entry.substring(entry.indexOf('=') + 1),
                  (first, second) -> first + " twice: " + second,
                  TreeMap::new));
    }
  }
}
