package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The host's own descriptors 0-2 may be closed, so that its pipes and files land on them in every
 * order: the program still finds each stream where it belongs, and nothing else.
 */
class StdioPermutationIT {
  @ParameterizedTest
  @ValueSource(strings = {"none", "0", "1", "2", "01", "02", "12", "012"})
  void streamsAreRightWhicheverNumbersAreFree(String closed, @TempDir Path directory)
      throws Exception {
    Process host =
        new ChildJvm()
            .with("--add-opens=java.base/sun.nio.fs=ALL-UNNAMED")
            .main(HostWithClosedDescriptors.class, closed, directory.toString())
            .start();
    Outcome outcome = Outcome.of(host, "");

    assertThat(directory.resolve("report")).as(outcome.toString()).hasContent("right");
    assertThat(outcome.exitValue).as(outcome.toString()).isZero();
  }

  /** Closes some of its standard descriptors and then hosts programs. */
  static final class HostWithClosedDescriptors {
    private HostWithClosedDescriptors() {}

    public static void main(String[] arguments) throws Exception {
      Path directory = Path.of(arguments[1]);
      try (TprocHost host = TprocHost.open()) {
        Outcome.hosted(
            host,
            Programs.probe("nothing")); // whatever is opened on the first launch is opened now
        close(arguments[0]);
        assertPipesAreRight(host);
        assertFilesAreRight(host, directory);
        assertErrorIntoOutputIsRight(host);
        assertPipesAreRight(host);
        Files.writeString(directory.resolve("report"), "right");
      } catch (Throwable e) {
        Files.writeString(directory.resolve("report"), e.toString());
        throw e;
      }
    }

    /**
     * Really closes: FileInputStream.close() would put /dev/null in the place of a standard stream.
     */
    private static void close(String numbers) throws Exception {
      Method close =
          Class.forName("sun.nio.fs.UnixNativeDispatcher").getDeclaredMethod("close", int.class);
      close.setAccessible(true);
      for (char number : numbers.equals("none") ? new char[0] : numbers.toCharArray()) {
        close.invoke(null, number - '0');
      }
    }

    private static void assertPipesAreRight(TprocHost host) throws Exception {
      try (ThreadProc program = host.command(Programs.probe("copy")).start()) {
        Outcome outcome = Outcome.of(program, "to the output");
        assertThat(outcome).returns("to the output", Outcome::output);
        assertThat(outcome.error()).isEmpty();
      }
      try (ThreadProc program = host.command(Programs.probe("copy"), "2").start()) {
        Outcome outcome = Outcome.of(program, "to the error output");
        assertThat(outcome.output()).isEmpty();
        assertThat(outcome.error()).isEqualTo("to the error output");
      }
      assertOnlyStandardDescriptors(Outcome.hosted(host, Programs.probe("childstate")).values());
    }

    private static void assertFilesAreRight(TprocHost host, Path directory) throws Exception {
      Path input = Files.writeString(directory.resolve("input"), "from a file");
      Path output = directory.resolve("output");
      Path error = directory.resolve("error");
      for (String to : new String[] {"1", "2"}) {
        try (ThreadProc program =
            host.command(Programs.probe("copy"), to)
                .redirectInput(input.toFile())
                .redirectOutput(output.toFile())
                .redirectError(error.toFile())
                .start()) {
          program.waitForExit();
          assertThat(output).hasContent(to.equals("1") ? "from a file" : "");
          assertThat(error).hasContent(to.equals("2") ? "from a file" : "");
        }
      }
    }

    private static void assertErrorIntoOutputIsRight(TprocHost host) throws Exception {
      try (ThreadProc program =
          host.command(Programs.probe("copy"), "2").redirectErrorStream(true).start()) {
        assertThat(Outcome.of(program, "merged")).returns("merged", Outcome::output);
      }
    }

    private static void assertOnlyStandardDescriptors(Map<String, String> state) {
      assertThat(state)
          .containsEntry("descriptors", "0 1 2")
          .containsEntry("descriptorFlags", "0 0 0");
    }
  }
}
