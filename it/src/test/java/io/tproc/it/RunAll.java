package io.tproc.it;

import static org.junit.platform.engine.discovery.ClassNameFilter.includeClassNamePatterns;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectPackage;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.platform.engine.FilterResult;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.discovery.ClassNameFilter;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.Launcher;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import org.junit.platform.launcher.listeners.TestExecutionSummary;
import org.junit.platform.reporting.legacy.xml.LegacyXmlReportGeneratingListener;

/**
 * Runs the integration tests in this JVM, without Maven: where there is only a class path, as in
 * the aarch64 guest.
 *
 * <p>Arguments: {@code --reports DIRECTORY} for JUnit XML; {@code --shares 1,2/3} to run only two
 * of three shares of the classes, so that several JVMs can share the work; {@code --without
 * OneIT,AnotherIT} to leave classes out; and patterns of simple class names ({@code LaunchIT},
 * {@code .*Abi.*}) to run fewer than all. Exits with 0 when at least one test ran and none failed.
 */
final class RunAll {
  private RunAll() {}

  public static void main(String[] arguments) throws Exception {
    List<String> patterns = new ArrayList<>();
    List<TestExecutionListener> listeners = new ArrayList<>();
    ClassNameFilter shares = shares("1/1");
    Set<String> without = Set.of();
    PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
    SummaryGeneratingListener summary = new SummaryGeneratingListener();
    for (int i = 0; i < arguments.length; i++) {
      if (arguments[i].equals("--reports")) {
        Path directory = Files.createDirectories(Path.of(arguments[++i]));
        listeners.add(new LegacyXmlReportGeneratingListener(directory, out));
      } else if (arguments[i].equals("--shares")) {
        shares = shares(arguments[++i]);
      } else if (arguments[i].equals("--without")) {
        without = Set.of(arguments[++i].split(","));
      } else {
        patterns.add("io\\.tproc\\.it\\." + arguments[i]);
      }
    }
    listeners.add(summary);
    listeners.add(new Progress(out));

    Launcher launcher = LauncherFactory.create();
    launcher.execute(
        request(patterns, shares, except(without)),
        listeners.toArray(new TestExecutionListener[0]));

    TestExecutionSummary result = summary.getSummary();
    result.printFailuresTo(out, 20);
    out.printf(
        "%d tests: %d passed, %d failed, %d skipped, in %.1f s%n",
        result.getTestsFoundCount(),
        result.getTestsSucceededCount(),
        result.getTotalFailureCount(),
        result.getTestsSkippedCount() + result.getTestsAbortedCount(),
        (result.getTimeFinished() - result.getTimeStarted()) / 1000.0);
    out.flush();
    System.exit(result.getTotalFailureCount() == 0 && result.getTestsSucceededCount() > 0 ? 0 : 1);
  }

  /** The classes of some shares, such as the first and second of three. */
  private static ClassNameFilter shares(String text) {
    String[] parts = text.split("/", 2);
    int all = Integer.parseInt(parts[1]);
    Set<Integer> mine =
        Arrays.stream(parts[0].split(",")).map(Integer::valueOf).collect(Collectors.toSet());
    return name -> FilterResult.includedIf(mine.contains(Math.floorMod(name.hashCode(), all) + 1));
  }

  private static ClassNameFilter except(Set<String> simpleNames) {
    return name ->
        FilterResult.includedIf(!simpleNames.contains(name.substring(name.lastIndexOf('.') + 1)));
  }

  private static LauncherDiscoveryRequest request(
      List<String> patterns, ClassNameFilter shares, ClassNameFilter others) {
    LauncherDiscoveryRequestBuilder builder =
        LauncherDiscoveryRequestBuilder.request()
            .selectors(selectPackage("io.tproc.it"))
            .filters(includeClassNamePatterns(".*IT"), shares, others)
            .configurationParameter(
                "junit.jupiter.execution.timeout.testable.method.default",
                Patience.seconds(300).toSeconds() + " s");
    if (!patterns.isEmpty()) {
      builder.filters(includeClassNamePatterns(patterns.toArray(new String[0])));
    }
    return builder.build();
  }

  /**
   * One line for each class, and each test that was skipped with its reason, failed, or was slow.
   */
  private static final class Progress implements TestExecutionListener {
    private static final Duration SLOW = Duration.ofSeconds(10);

    private final PrintWriter out;
    private final Map<String, Long> started = new ConcurrentHashMap<>();

    /** In whose name to print a line for each test as it ends, as the core's tests do; or null. */
    private final @Nullable String part = System.getenv("TPROC_STREAM_CASES");

    Progress(PrintWriter out) {
      this.out = out;
    }

    private void stream(TestIdentifier test, TestExecutionResult result) {
      String status =
          switch (result.getStatus()) {
            case SUCCESSFUL -> "passed";
            case ABORTED -> "skipped";
            case FAILED -> "FAILED";
          };
      String of =
          test.getSource()
              .filter(MethodSource.class::isInstance)
              .map(method -> ((MethodSource) method).getClassName())
              .orElse("io.tproc.it");
      String name = test.getDisplayName().replaceAll("[|\\p{Cntrl}]", "?");
      out.println("##case " + part + "|" + of + "|" + name + "|" + status);
    }

    @Override
    public void executionSkipped(TestIdentifier test, String reason) {
      out.println("  skipped " + test.getDisplayName() + ": " + reason);
    }

    @Override
    public void executionStarted(TestIdentifier test) {
      started.put(test.getUniqueId(), System.nanoTime());
      if (test.isContainer() && test.getDisplayName().endsWith("IT")) {
        out.println(test.getDisplayName());
      }
    }

    @Override
    public void executionFinished(TestIdentifier test, TestExecutionResult result) {
      Long from = started.remove(test.getUniqueId());
      Duration time = Duration.ofNanos(from == null ? 0 : System.nanoTime() - from);
      if (test.isTest() && time.compareTo(SLOW) > 0) {
        out.println("  " + time.toSeconds() + " s: " + test.getDisplayName());
      }
      if (part != null && test.isTest()) {
        stream(test, result);
      }
      if (result.getStatus() != TestExecutionResult.Status.SUCCESSFUL) {
        String why = result.getThrowable().map(Throwable::getMessage).orElse("");
        out.println(
            "  "
                + result.getStatus().name().toLowerCase(java.util.Locale.ROOT)
                + " "
                + test.getDisplayName()
                + ": "
                + why);
      }
    }
  }
}
