package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tproc.ThreadProcBuilder;
import io.tproc.TprocHost;
import io.tproc.share.HeapUsage;
import io.tproc.share.Registration;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/**
 * The same names mean the same in C, C++, Rust, Python and Java: a program in each of them makes
 * objects, and one in each of them uses these (programs/conformance.c says how).
 */
class ConformanceIT {
  @RegisterExtension private static final ListeningHost LISTENING = ListeningHost.forAllTests();

  private static final Path SOURCES = Path.of("src/test/programs").toAbsolutePath();
  private static final Path TABLE = Path.of("../docs/sharing.md");
  private static final Path PACKAGE = Path.of("../libtproc-python").toAbsolutePath().normalize();
  private static final Path PYTHON = Path.of("/usr/bin/python3");

  private static final AtomicInteger PAIRS = new AtomicInteger();

  private static final int KILLED = 137;

  /** What each program prints. */
  private static final List<String> LINES =
      List.of(
          "ok start",
          "ok inline",
          "ok block",
          "ok free",
          "ok arena",
          "ok give",
          "ok registry",
          "ok mutex",
          "ok condition",
          "ok event",
          "ok semaphore",
          "ok barrier",
          "ok once",
          "ok batch",
          "ok close",
          "error long message 22",
          "error three cells 22",
          "error no channel 116",
          "error taken name 17",
          "error other type 91",
          "error long name 22",
          "error no process 3",
          "error no block 22",
          "error too large 12",
          "error no arena 71",
          "error full arena 12",
          "error long type 22",
          "error no party 22",
          "error full semaphore 75",
          "ok errors",
          "ok death");

  private enum Language {
    C("C", "src/test/programs/conformance.c"),
    CPP("C++", "src/test/programs/conformance_cpp.cpp"),
    RUST("Rust", "src/test/programs/conformance.rs"),
    PYTHON("Python", "src/test/programs/conformance.py"),
    JAVA("Java", "src/test/java/io/tproc/it/JavaConformance.java");

    private final String title;
    private final Path source;

    Language(String title, String source) {
      this.title = title;
      this.source = Path.of(source);
    }

    @Override
    public String toString() {
      return title;
    }

    /** Why it is not here, or empty. */
    private Optional<String> whyNot() {
      return switch (this) {
        case RUST -> RustPrograms.whyNot();
        case PYTHON -> whyNotPython();
        default -> Optional.empty();
      };
    }
  }

  private static Optional<String> whyNotPython() {
    if (!Files.exists(PACKAGE)) {
      return Optional.of("the Python package is not here");
    }
    return Files.isExecutable(PYTHON) ? Optional.empty() : Optional.of("there is no " + PYTHON);
  }

  @TempDir static Path built;

  /** Languages with each other, in both roles. */
  @TestFactory
  Stream<DynamicTest> whatOneMakesAnotherUses() throws Exception {
    Optional<RustPrograms> rust = Optional.empty();
    if (Language.RUST.whyNot().isEmpty()) {
      rust = Optional.of(RustPrograms.in(built));
      rust.get().program(SOURCES.resolve("conformance.rs"));
    }
    Optional<RustPrograms> programs = rust;
    return Arrays.stream(Language.values())
        .flatMap(
            maker ->
                Arrays.stream(Language.values())
                    .map(
                        user ->
                            DynamicTest.dynamicTest(
                                maker + " makes, " + user + " uses",
                                () -> meet(maker, user, programs))));
  }

  private static void meet(Language maker, Language user, Optional<RustPrograms> rust)
      throws Exception {
    for (Language each : List.of(maker, user)) {
      assumeTrue(each.whyNot().isEmpty(), () -> "skipped: " + each.whyNot().orElseThrow());
    }
    String prefix = "it.conformance." + PAIRS.incrementAndGet();
    // A python3 that is for fixed addresses is hosted once at a time: then the other one attaches.
    boolean attaches =
        maker == Language.PYTHON && user == Language.PYTHON && !Programs.isHostable(PYTHON);
    long blocks = blocks();
    Side makes = side(maker, "make", prefix, attaches, rust);
    Side uses = side(user, "use", prefix, false, rust);
    makes.start();
    uses.start();
    long end = System.nanoTime() + Patience.seconds(60).toNanos();
    String failures = makes.failure(end) + uses.failure(end);
    assertThat(failures).as(maker + " makes, " + user + " uses").isEmpty();
    assertThat(makes.lines()).as("what " + maker + " prints, which makes").isEqualTo(LINES);
    assertThat(uses.lines()).as("what " + user + " prints, which uses").isEqualTo(LINES);
    // Of an attached process the host hears a moment after its end.
    Patience.untilNothingToComplainOf(
        Patience.seconds(10), () -> namesLeft(prefix) + blocksLeft(blocks() - blocks));
  }

  private static long blocks() {
    return LISTENING.host().heap().usage().uses().stream().mapToLong(HeapUsage.Use::blocks).sum();
  }

  private static String blocksLeft(long count) {
    return count == 0 ? "" : "blocks that are left: " + count;
  }

  /** But the name that the user has published to be kept, which is withdrawn. */
  private static String namesLeft(String prefix) {
    List<Registration> left =
        LISTENING.host().registry().registrations().stream()
            .filter(entry -> entry.name().startsWith(prefix + "."))
            .filter(
                entry -> entry.ended().isEmpty() || !LISTENING.host().registry().withdraw(entry))
            .toList();
    return left.isEmpty() ? "" : "names that are left: " + left;
  }

  private static Side side(
      Language language,
      String role,
      String prefix,
      boolean attaches,
      Optional<RustPrograms> rust) {
    return switch (language) {
      case JAVA -> new JavaSide(role, prefix);
      case C -> new ProgramSide(role, false, Programs.probe("conformance"), role, prefix);
      case CPP -> new ProgramSide(role, false, Programs.probe("conformance_cpp"), role, prefix);
      case RUST ->
          new ProgramSide(role, false, rust.orElseThrow().binary("conformance"), role, prefix);
      case PYTHON -> {
        List<String> command =
            new ArrayList<>(
                List.of(PYTHON.toString(), SOURCES.resolve("conformance.py").toString()));
        command.addAll(List.of(role, prefix));
        if (attaches) {
          command.add(LISTENING.socket().toString());
        }
        yield new ProgramSide(role, attaches, command.toArray(new String[0]));
      }
    };
  }

  /** One of the two. */
  private abstract static class Side {
    private final FutureTask<String> running = new FutureTask<>(this::run);
    private final Thread thread = new Thread(running, "conformance");

    final void start() {
      thread.setDaemon(true);
      thread.start();
    }

    /** What has gone wrong, or empty; when it takes too long, it is ended. */
    final String failure(long end) throws Exception {
      try {
        return running.get(end - System.nanoTime(), TimeUnit.NANOSECONDS);
      } catch (TimeoutException late) {
        end();
        thread.interrupt();
        return "It takes too long. " + running.get();
      }
    }

    /** Runs to its end; says what has gone wrong. */
    abstract String run() throws Exception;

    abstract void end();

    abstract List<String> lines();
  }

  private static final class ProgramSide extends Side {
    private final String role;
    private final boolean attaches;
    private final List<String> command;
    private volatile List<String> lines = List.of();
    private volatile Optional<Process> process = Optional.empty();

    ProgramSide(String role, boolean attaches, String... command) {
      this.role = role;
      this.attaches = attaches;
      this.command = List.of(command);
    }

    @Override
    String run() throws Exception {
      Process started = attaches ? attached() : hosted();
      process = Optional.of(started);
      try {
        Outcome outcome = Outcome.of(started, "");
        lines = outcome.output().lines().toList();
        int expected = role.equals("use") ? KILLED : 0;
        boolean isFine = outcome.exitValue == expected && outcome.error().isEmpty();
        return isFine ? "" : command + " (" + role + "): " + outcome + "\n";
      } finally {
        if (started instanceof AutoCloseable hosted) {
          hosted.close();
        }
      }
    }

    private Process hosted() throws IOException {
      ThreadProcBuilder builder = LISTENING.host().command(command);
      prepare(builder.environment());
      return builder.start();
    }

    private Process attached() throws IOException {
      ProcessBuilder builder = new ProcessBuilder(command);
      prepare(builder.environment());
      return builder.start();
    }

    private static void prepare(Map<String, String> environment) {
      Path library = Path.of(Programs.cli()).getParent().resolveSibling("lib/libtproc.so");
      environment.put("PYTHONPATH", PACKAGE.toString());
      environment.put("PYTHONDONTWRITEBYTECODE", "1");
      environment.put("TPROC_LIBRARY", library.toAbsolutePath().toString());
    }

    @Override
    void end() {
      process.ifPresent(Process::destroyForcibly);
    }

    @Override
    List<String> lines() {
      return lines;
    }
  }

  private static final class JavaSide extends Side {
    private final String role;
    private final JavaConformance program;

    JavaSide(String role, String prefix) {
      this.role = role;
      this.program = new JavaConformance(host(), prefix);
    }

    private static TprocHost host() {
      return LISTENING.host();
    }

    @Override
    String run() throws Exception {
      try (program) {
        if (role.equals("make")) {
          program.make();
        } else {
          program.use();
        }
        return "";
      } catch (Exception | AssertionError failed) {
        return "Java (" + role + "), step " + program.step() + ": " + failed + "\n";
      }
    }

    @Override
    void end() {}

    @Override
    List<String> lines() {
      return program.lines();
    }
  }

  // ---- the names

  /** What the document calls the same is what the programs call. */
  @Test
  void theNamesOfTheDocumentAreThoseOfThePrograms() throws IOException {
    assumeTrue(Files.exists(TABLE), "skipped: the documents are not here");
    Pattern code = Pattern.compile("`([^`]+)`");
    List<String> missing = new ArrayList<>();
    int names = 0;
    for (String[] row : table()) {
      for (Language language : Language.values()) {
        String program = Files.readString(language.source);
        Matcher cell = code.matcher(row[2 + language.ordinal()]);
        while (cell.find()) {
          names++;
          Pattern word = Pattern.compile("(?<!\\w)" + Pattern.quote(cell.group(1)) + "(?!\\w)");
          if (!word.matcher(program).find()) {
            missing.add(language + ": " + cell.group(1) + " (" + row[1].strip() + ")");
          }
        }
      }
    }
    assertThat(missing).as("named in the document, and not called by the program").isEmpty();
    assertThat(names).isGreaterThan(150);
  }

  /** Rows of the table whose columns are the languages. */
  private static List<String[]> table() throws IOException {
    List<String> lines = Files.readAllLines(TABLE);
    int head = lines.indexOf("| | C | C++ | Rust | Python | Java |");
    assertThat(head).as("the table of names in " + TABLE).isNotNegative();
    return lines.subList(head + 2, lines.size()).stream()
        .takeWhile(line -> line.startsWith("|"))
        .map(line -> line.split("\\|", -1))
        .toList();
  }
}
