package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.StringWriter;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.SimpleJavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import javax.xml.parsers.DocumentBuilderFactory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a reader copies out of a document works: each piece of code in it is compiled and run, in
 * the order of the document and in one directory, where the samples are, too.
 */
class SnippetsIT {
  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
  private static final Pattern JAVA_CLASS = Pattern.compile("(?m)^(?:public |final )*class (\\w+)");

  /**
   * Languages that need not be run to be right, or are tested elsewhere by that document's test.
   */
  private static final List<String> LOOKED_AT = List.of("text");

  /** The JDK's and the libraries' classes, which are found once. */
  private static final @Nullable StandardJavaFileManager FILES =
      Optional.ofNullable(ToolProvider.getSystemJavaCompiler())
          .map(compiler -> compiler.getStandardFileManager(null, null, null))
          .orElse(null);

  @TempDir Path directory;

  @TestFactory
  Stream<DynamicContainer> everyDocument() throws IOException {
    assumeTrue(Files.exists(ROOT.resolve("README.md")), "skipped: the documents are not here");
    List<DynamicContainer> containers = new ArrayList<>();
    for (Path document : documents()) {
      List<Snippet> snippets = Snippet.of(ROOT, document);
      if (!snippets.isEmpty()) {
        Path place = prepare(directory.resolve(document.toString().replace('/', '-')));
        containers.add(
            DynamicContainer.dynamicContainer(
                document.toString(),
                snippets.stream()
                    .map(
                        snippet ->
                            DynamicTest.dynamicTest(
                                snippet.toString(), () -> check(snippet, place)))));
      }
    }
    assertThat(containers).as("documents with code in them").hasSizeGreaterThan(5);
    return containers.stream();
  }

  /** What users read, in the project's tree. */
  private static List<Path> documents() throws IOException {
    List<Path> found = new ArrayList<>();
    for (String folder :
        List.of("", "docs", "samples", "it/guest", "tproc-cli/man", "libtproc-c/man")) {
      try (Stream<Path> files = Files.list(ROOT.resolve(folder))) {
        files.filter(file -> file.toString().matches(".*\\.(md|[13])")).forEach(found::add);
      }
    }
    for (String module : List.of("tproc-api", "tproc-jni", "tproc-arrow", "tproc-cli")) {
      try (Stream<Path> files = Files.walk(ROOT.resolve(module + "/src/main"))) {
        files
            .filter(file -> file.toString().matches(".*\\.java|.*/overview\\.html"))
            .forEach(found::add);
      }
    }
    return found.stream().map(ROOT::relativize).sorted().toList();
  }

  /** A directory with the samples in it, and a private one for sockets. */
  private static Path prepare(Path place) throws IOException {
    Files.createDirectory(place);
    Files.createDirectory(
        place.resolve("run"),
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    try (Stream<Path> samples = Files.list(Programs.samples())) {
      for (Path sample : samples.filter(path -> !path.toString().endsWith("-static")).toList()) {
        Files.copy(sample, place.resolve(sample.getFileName()));
      }
    }
    return place;
  }

  private static void check(Snippet snippet, Path place) throws Exception {
    if (snippet.notRun().isPresent()) {
      abort("not run: " + snippet.notRun().get());
    }
    if (snippet.remark().matches("Java \\d+")) {
      int needed = Integer.parseInt(snippet.remark().substring("Java ".length()));
      assumeTrue(Runtime.version().feature() >= needed, "skipped: it needs Java " + needed);
    }
    switch (snippet.language()) {
      case "java" -> java(snippet, place);
      case "c", "cpp" -> c(snippet, place);
      case "sh" -> shell(snippet, place);
      case "xml" -> xml(snippet);
      case "python" -> python(snippet, place);
      default -> assertThat(LOOKED_AT).as("language of " + snippet).contains(snippet.language());
    }
  }

  /** C that is no whole file is looked at as the body of main. */
  private static void c(Snippet snippet, Path place) throws Exception {
    boolean whole = snippet.text().contains("main(");
    String suffix = "." + snippet.language();
    String name = snippet.fileName().orElse("snippet-" + snippet.line() + suffix);
    String body = "#include <tproc.h>\nint main(void) {\n" + snippet.text() + "return 0; }\n";
    Files.writeString(place.resolve(name), whole ? snippet.text() : body);
    String program = name.substring(0, name.lastIndexOf('.'));
    Files.deleteIfExists(place.resolve(program));
    List<String> command =
        new ArrayList<>(
            List.of(Programs.installed(suffix.equals(".c") ? "gcc" : "g++"), "-O2", "-Wall"));
    command.addAll(whole ? List.of("-Wextra", "-Werror") : List.of("-Wno-unused-variable"));
    command.addAll(List.of(name, "-o", program, "-I" + tree("include"), "-L" + tree("lib")));
    command.addAll(List.of("-ltproc", "-Wl,-rpath," + tree("lib")));
    Outcome outcome = Outcome.of(new ProcessBuilder(command).directory(place.toFile()).start(), "");
    assertThat(outcome.exitValue).as(outcome.toString()).isZero();
    assertThat(outcome.error()).isEmpty();
  }

  private static Path tree(String directory) {
    return Path.of(Programs.cli()).getParent().resolveSibling(directory);
  }

  /**
   * A module is for the Java that comes after it; other Python is tested by that document's test.
   */
  private static void python(Snippet snippet, Path place) throws IOException {
    if (snippet.fileName().isPresent()) {
      Files.writeString(place.resolve(snippet.fileName().get()), snippet.text());
    }
  }

  /** Java that is no whole file is run as the body of main. */
  private static void java(Snippet snippet, Path place) throws Exception {
    Matcher declared = JAVA_CLASS.matcher(snippet.text());
    boolean whole = declared.find();
    String name = whole ? declared.group(1) : "Snippet" + snippet.line();
    String source =
        whole
            ? snippet.text()
            : "import io.tproc.*; import java.nio.*; import java.nio.file.*; import java.util.*;\n"
                + "import java.lang.ref.Reference; import java.time.*; import java.util.concurrent.*;\n"
                + ("class " + name + " { public static void main(String... arguments)")
                + (" throws Exception {\n" + snippet.text() + "} }\n");
    compile(name, source, place);

    String classPath = System.getProperty("java.class.path");
    ProcessBuilder jvm = new ChildJvm().classPath(place + ":" + absolute(classPath)).main(name);
    // A reader has no assertions of ours on, and no programs elsewhere.
    Outcome outcome = Outcome.of(jvm.directory(place.toFile()).start(), "");
    assertThat(outcome.exitValue).as(source + outcome).isZero();
    snippet.output().ifPresent(expected -> assertThat(outcome.output()).isEqualTo(expected));
  }

  private static String absolute(String classPath) {
    return Stream.of(classPath.split(":"))
        .map(entry -> Path.of(entry).toAbsolutePath().toString())
        .reduce((first, second) -> first + ":" + second)
        .orElseThrow();
  }

  private static void compile(String name, String source, Path place) {
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    assumeTrue(compiler != null, "skipped: this is no JDK");
    StringWriter messages = new StringWriter();
    boolean compiled =
        compiler
            .getTask(
                messages,
                FILES,
                null,
                List.of("-proc:none", "-d", place.toString()),
                null,
                List.of(new Source(name, source)))
            .call();
    assertThat(compiled).as(source + messages).isTrue();
  }

  private static final class Source extends SimpleJavaFileObject {
    private final String text;

    Source(String name, String text) {
      super(URI.create("memory:///" + name + ".java"), Kind.SOURCE);
      this.text = text;
    }

    @Override
    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
      return text;
    }
  }

  /** As typed at a shell, but that the first failure ends it, and its background jobs with it. */
  private static void shell(Snippet snippet, Path place) throws Exception {
    Path script = place.resolve("snippet-" + snippet.line() + ".sh");
    Files.writeString(
        script,
        "set -euo pipefail\ntrap 'jobs -p | xargs -r kill || true' EXIT\n" + snippet.text());
    ProcessBuilder shell = new ProcessBuilder(Programs.installed("bash"), script.toString());
    shell.directory((snippet.remark().equals("run in the project") ? ROOT : place).toFile());
    Map<String, String> environment = shell.environment();
    environment.put("JAVA_HOME", System.getProperty("java.home"));
    environment.put("XDG_RUNTIME_DIR", place.resolve("run").toString());
    environment.put("XDG_CACHE_HOME", place.resolve("cache").toString());
    environment.remove("TPROC_SOCKET");
    environment.merge("PATH", tree("bin").toString(), (path, ours) -> ours + ":" + path);
    Outcome outcome = Outcome.of(shell.start(), "");
    assertThat(outcome.exitValue).as(snippet.text() + outcome).isZero();
    snippet.output().ifPresent(expected -> assertThat(outcome.output()).isEqualTo(expected));
  }

  /**
   * Dependencies are those that this build makes; what they bring is tested by the outside project.
   */
  private static void xml(Snippet snippet) throws Exception {
    String document = "<snippet>" + snippet.text() + "</snippet>";
    DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(new ByteArrayInputStream(document.getBytes(StandardCharsets.UTF_8)));
    String pom = Files.readString(ROOT.resolve("pom.xml"));
    String version = pom.replaceFirst("(?s).*?<version>(.*?)</version>.*", "$1");
    Matcher versions = Pattern.compile("<version>(.*?)</version>").matcher(snippet.text());
    while (versions.find()) {
      assertThat(versions.group(1)).as("version in " + snippet).isEqualTo(version);
    }
  }
}
