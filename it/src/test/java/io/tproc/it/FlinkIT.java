package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The sample on Flink, which only profile {@code flink} of the build has: what is committed is
 * right although workers crash, and a slow worker holds up the source.
 */
@Timeout(value = 20, unit = TimeUnit.MINUTES)
class FlinkIT {
  private static final Path SAMPLE = Path.of("../samples/flink").toAbsolutePath().normalize();
  private static final int ROWS = 200_000;

  /**
   * What fits between the source and the workers: batches of 1,000 (one that fills, two in the
   * worker) and network buffers of 4 KiB for less than 200 rows each (8 for each of two senders and
   * two receivers, and two for each of four channels at both ends), both twice. Far from all rows.
   */
  private static final int ROWS_ON_THEIR_WAY = 2 * 3 * 1_000 + (4 * 8 + 2 * 2 * 4) * 200;

  @Test
  void commitsEachRowOnceAndHoldsUpTheSource(@TempDir Path directory) throws Exception {
    assumeTrue(
        Files.exists(SAMPLE.resolve("target/tproc-samples-flink.jar")),
        "skipped: not built, for it is 80 MB: mvn -Pflink -DskipTests package");
    Path console = directory.resolve("console");
    Path output = directory.resolve("output");
    Process process =
        new ProcessBuilder(SAMPLE.resolve("run").toString(), output.toString(), "2")
            .redirectErrorStream(true)
            .redirectOutput(console.toFile())
            .start();
    assertThat(process.waitFor(10, TimeUnit.MINUTES)).as("the end of " + process).isTrue();
    String said = Files.readString(console);
    assertThat(said).contains("2 workers crashed, and Flink restarted the job 2 times");
    assertThat(process.exitValue()).as(said).isZero();

    assertThat(number(said, "(\\d+) rows went through workers again")).isPositive();
    List<String> right = right();
    assertThat(committed(output.resolve("crashes"))).isEqualTo(right);
    assertThat(committed(output.resolve("slow"))).isEqualTo(right);
    assertThat(number(said, "the source was at most (\\d+) ahead"))
        .isBetween(1_000, ROWS_ON_THEIR_WAY);
  }

  private static int number(String text, String pattern) {
    Matcher matcher = Pattern.compile(pattern).matcher(text);
    assertThat(matcher.find()).as(text).isTrue();
    return Integer.parseInt(matcher.group(1));
  }

  private static List<String> right() {
    return IntStream.range(0, ROWS)
        .mapToObj(id -> id + "," + id % 100 / 4.0 * (id % 7))
        .sorted()
        .toList();
  }

  /**
   * All lines, each as often as it is there. What is not committed has a name with a dot before.
   */
  private static List<String> committed(Path directory) throws IOException {
    List<String> lines = new ArrayList<>();
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.toList()) {
        if (!file.getFileName().toString().startsWith(".")) {
          lines.addAll(Files.readAllLines(file));
        }
      }
    }
    lines.sort(null);
    return lines;
  }
}
