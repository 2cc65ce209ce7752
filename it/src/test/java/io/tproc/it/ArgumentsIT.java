package io.tproc.it;

import static io.tproc.Errno.E2BIG;
import static io.tproc.Errno.ENAMETOOLONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tproc.LaunchException;
import io.tproc.TprocHost;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Arguments arrive as they were given, up to the kernel's own limits. */
@ExtendWith(HostExtension.class)
class ArgumentsIT {

  /** The kernel's MAX_ARG_STRLEN: 32 pages, with the terminating NUL (execve(2)). */
  private static final int STRING_MAX = 131072;

  /** The kernel's PATH_MAX, with the terminating NUL. */
  private static final int PATH_MAX = 4096;

  private static void assertArrives(TprocHost host, String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of(Programs.probe("arguments")));
    command.addAll(List.of(arguments));

    assertThat(Outcome.hosted(host, command).strings()).isEqualTo(command);
  }

  @Test
  void ofEveryKind(TprocHost host) throws Exception {
    assertArrives(host);
    assertArrives(host, "");
    assertArrives(host, "", "", "");
    assertArrives(
        host, "with spaces", "\"quoted\"", "'", "$HOME", "*", "\\", "line\nbreak", "\t", "-", "--");
  }

  @Test
  void withEncodedCharactersAsAProcessWould(TprocHost host) throws Exception {
    String[] command = {Programs.probe("arguments"), "Größe", "€", "\uD83D\uDE00"};

    assertThat(Outcome.hosted(host, command).outputBytes())
        .isEqualTo(Outcome.natively(command).outputBytes());
  }

  @Test
  void of100Kibibytes(TprocHost host) throws Exception {
    assertArrives(host, "a".repeat(100 << 10));

    String[] thousand = new String[1024];
    Arrays.setAll(thousand, i -> Integer.toString(i).concat("-".repeat(100)).substring(0, 99));
    assertArrives(host, thousand);
  }

  @Test
  void ofAMebibyte(TprocHost host) throws Exception {
    assertArrives(host, Collections.nCopies(16, "m".repeat(64 << 10)).toArray(new String[0]));
  }

  @Test
  void withTheKernelsLimitForOne(TprocHost host) throws Exception {
    assertArrives(host, "a".repeat(STRING_MAX - 1));
    assertThatThrownBy(() -> assertArrives(host, "a".repeat(STRING_MAX)))
        .isInstanceOfSatisfying(LaunchException.class, e -> assertThat(e.errno()).isEqualTo(E2BIG))
        .hasMessageContaining("E2BIG");
  }

  @Test
  void withTheKernelsLimitForAll(TprocHost host) throws Exception {
    // 6 MiB is the most that the kernel takes however large the stack may become (execve(2)).
    String[] arguments = Collections.nCopies(100, "b".repeat(64 << 10)).toArray(new String[0]);
    assertThatThrownBy(() -> assertArrives(host, arguments))
        .isInstanceOfSatisfying(LaunchException.class, e -> assertThat(e.errno()).isEqualTo(E2BIG));
  }

  @Test
  void withAProgramNameOf4Kibibytes(TprocHost host) throws Exception {
    String program = padded(Programs.probe("arguments"), PATH_MAX - 1);

    assertThat(Outcome.hosted(host, program, "x").strings()).isEqualTo(List.of(program, "x"));
    assertThatThrownBy(() -> host.command(padded(Programs.probe("arguments"), PATH_MAX)).start())
        .isInstanceOfSatisfying(
            LaunchException.class, e -> assertThat(e.errno()).isEqualTo(ENAMETOOLONG));
  }

  /** The same file, by a path of so many characters. */
  private static String padded(String path, int length) {
    int missing = length - path.length();
    return "/".repeat(missing % 2) + "/.".repeat(missing / 2) + path;
  }

  @Test
  void thatAreNone(TprocHost host) {
    assertThatThrownBy(() -> host.command().start())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("a command without words");
    assertThatThrownBy(() -> host.command("a", null).start())
        .isInstanceOf(NullPointerException.class);
    assertThatThrownBy(() -> host.command(Programs.nothing(), "a\0b").start())
        .isInstanceOf(IOException.class);
    assertThatThrownBy(() -> host.command("").start()).isInstanceOf(IOException.class);
  }
}
