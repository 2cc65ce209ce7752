package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The sample on Spark, which only profile {@code spark} of the build has: executors stay when their
 * workers, in C++ and in Python, crash. It is shipped with Spark's own {@code SparkSubmit}.
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
    List<String> command = new ArrayList<>(List.of(SAMPLE.resolve("run").toString(), master, "2"));
    if (hasPython()) {
      command.addAll(List.of("CPP", "PYTHON"));
    } else {
      System.out.println("SparkIT without Python: there is no python3");
      command.add("CPP");
    }
    Path output = directory.resolve("output");
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    assertThat(process.waitFor(15, TimeUnit.MINUTES)).as("the end of " + process).isTrue();
    List<String> said = Files.readAllLines(output);
    List<String> workers = command.subList(3, command.size());
    for (String worker : workers) {
      assertThat(said)
          .anySatisfy(
              line ->
                  assertThat(line)
                      .startsWith("400000 rows through workers in " + worker + " in executors")
                      .endsWith("sum 14849951.00, as Spark's own"));
    }
    // The same JVMs after the crashes of the first kind of workers.
    int crashes = 2 * workers.size();
    assertThat(said)
        .contains(
            "%d workers crashed, 0 executors were lost: all was in %d JVMs"
                .formatted(crashes, jvms));
    assertThat(process.exitValue()).isZero();
  }

  private static boolean hasPython() {
    return Files.isExecutable(Path.of("/usr/bin/python3"));
  }
}
