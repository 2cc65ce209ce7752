package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The sample on Spark, which only profile {@code spark} of the build has: executors stay when their
 * workers crash.
 */
@Timeout(value = 20, unit = TimeUnit.MINUTES)
class SparkIT {
  private static final Path SAMPLE = Path.of("../samples/spark").toAbsolutePath().normalize();

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          local[2,4]             | 1
          local-cluster[2,1,1024]| 2
          """)
  void aWorkersCrashFailsATaskAndNoExecutor(String master, int jvms, @TempDir Path directory)
      throws Exception {
    assumeTrue(
        Files.exists(SAMPLE.resolve("target/tproc-samples-spark.jar")),
        "skipped: not built, for it is 280 MB: mvn -Pspark -DskipTests package");
    Path output = directory.resolve("output");
    Process process =
        new ProcessBuilder(SAMPLE.resolve("run").toString(), master, "2")
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    assertThat(process.waitFor(10, TimeUnit.MINUTES)).as("the end of " + process).isTrue();
    assertThat(Files.readString(output))
        .contains(
            "400000 rows through native workers in " + jvms + " executor JVMs, sum 14849951.00")
        .contains("2 workers crashed, 0 executors were lost");
    assertThat(process.exitValue()).isZero();
  }
}
