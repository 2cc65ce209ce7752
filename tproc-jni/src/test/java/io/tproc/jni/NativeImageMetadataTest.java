package io.tproc.jni;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The metadata for GraalVM's native-image names all that C looks up in Java, in the format of 25
 * (reachability-metadata.json) and in the older one. The sources are asked, as no run comes by
 * every failure.
 */
class NativeImageMetadataTest {
  private static final String FOLDER = "META-INF/native-image/io.tproc/tproc-jni/";
  private static final Path SOURCES = Path.of("src/main/c");

  private static final Pattern CLASS = Pattern.compile("FindClass\\(env, \"([^\"]+)\"\\)");
  private static final Pattern FIELD =
      Pattern.compile("Get(?:Static)?FieldID\\(env, \\w+, \"([^\"]+)\"");
  private static final Pattern METHOD =
      Pattern.compile("Get(?:Static)?MethodID\\(env, \\w+, ([^,]+), \"([^\"]+)\"\\)");

  /** Each look-up is of one of the three kinds below, so that the test knows of all. */
  @Test
  void theSourcesLookUpNothingElse() throws IOException {
    assertThat(lookUps(CLASS))
        .containsExactly(
            "io/tproc/jni/NativeFailure", "java/io/FileDescriptor", "java/lang/OutOfMemoryError");
    assertThat(lookUps(FIELD)).containsExactly("fd");
    assertThat(lookUps(METHOD)).containsExactly("method_names[i]");
    assertThat(lookUps(Pattern.compile("(ThrowNew\\(env, \\w+|NewObject\\w*|GetObjectClass)")))
        .containsExactly("ThrowNew(env, type");
  }

  @Test
  void everyMethodForFailuresIsNamed() throws IOException {
    List<String> looked =
        lookUps(Pattern.compile("\\[FAILURE_\\w+] = \"(\\w+)\""), SOURCES.resolve("exceptions.c"));
    List<Method> methods =
        Arrays.stream(NativeFailure.class.getDeclaredMethods())
            .filter(method -> looked.contains(method.getName()))
            .filter(method -> Modifier.isStatic(method.getModifiers()))
            .sorted(Comparator.comparing(Method::getName))
            .toList();
    assertThat(methods).hasSameSizeAs(looked);

    String expected =
        methods.stream()
            .map(
                method ->
                    "{\"name\": \"%s\", \"parameterTypes\": [%s]}"
                        .formatted(
                            method.getName(),
                            Stream.of(method.getParameterTypes())
                                .map(type -> '"' + type.getTypeName() + '"')
                                .collect(Collectors.joining(", "))))
            .collect(Collectors.joining(", "));
    assertThat(metadata("reachability-metadata.json"))
        .contains(
            "\"type\": \"io.tproc.jni.NativeFailure\", \"jniAccessible\": true, \"methods\": [ "
                + expected
                + " ]");
    assertThat(metadata("jni-config.json"))
        .contains("\"name\": \"io.tproc.jni.NativeFailure\", \"methods\": [ " + expected + " ]");
  }

  @Test
  void classesOfTheJdkAreNamed() throws Exception {
    assertThat(java.io.FileDescriptor.class.getDeclaredField("fd").getType()).isEqualTo(int.class);
    String thrown =
        "\"methods\": [{\"name\": \"<init>\", \"parameterTypes\": [\"java.lang.String\"]}]";
    String field = "\"fields\": [{\"name\": \"fd\"}]";
    assertThat(metadata("reachability-metadata.json"))
        .contains("\"type\": \"java.io.FileDescriptor\", \"jniAccessible\": true, " + field)
        .contains("\"type\": \"java.lang.OutOfMemoryError\", \"jniAccessible\": true, " + thrown);
    assertThat(metadata("jni-config.json"))
        .contains("\"name\": \"java.io.FileDescriptor\", " + field)
        .contains("\"name\": \"java.lang.OutOfMemoryError\", " + thrown);
  }

  /** What is unpacked stands in folders that the patterns cover. */
  @Test
  void nativeCodeIsAResource() throws IOException {
    assertThat(Machine.values()).allMatch(machine -> machine.folder.startsWith("natives/"));
    assertThat(metadata("reachability-metadata.json")).contains("{\"glob\": \"natives/**\"}");
    assertThat(metadata("resource-config.json"))
        .contains("{\"pattern\": \"\\\\Qnatives/\\\\E.*\"}");
  }

  private static TreeSet<String> lookUps(Pattern pattern) throws IOException {
    TreeSet<String> found = new TreeSet<>();
    try (Stream<Path> files = Files.list(SOURCES)) {
      for (Path file : files.toList()) {
        found.addAll(lookUps(pattern, file));
      }
    }
    return found;
  }

  private static List<String> lookUps(Pattern pattern, Path file) throws IOException {
    return pattern
        .matcher(Files.readString(file))
        .results()
        .map((MatchResult each) -> each.group(1))
        .toList();
  }

  /** With a blank for each run of white space. */
  private static String metadata(String name) throws IOException {
    try (InputStream file = JniProvider.class.getClassLoader().getResourceAsStream(FOLDER + name)) {
      assertThat(file).as(name).isNotNull();
      return new String(file.readAllBytes(), StandardCharsets.UTF_8).replaceAll("\\s+", " ");
    }
  }
}
