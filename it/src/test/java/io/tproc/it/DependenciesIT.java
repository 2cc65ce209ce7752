package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/** Who uses the library gets nothing of Arrow, Spark, Flink or another engine with it. */
class DependenciesIT {
  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

  /** With a number in front where the tests run on a copy of the class path. */
  private static final String OF_THE_LIBRARY = "(\\d+-)?tproc-(api|jni|arrow)-.*\\.jar";

  @Test
  void theLibrarysJarsHaveNoClassesOfOthers() throws IOException {
    List<Path> jars =
        Stream.of(System.getProperty("java.class.path").split(":"))
            .map(Path::of)
            .filter(path -> path.getFileName().toString().matches(OF_THE_LIBRARY))
            .toList();
    assertThat(jars).hasSizeGreaterThanOrEqualTo(3);
    for (Path each : jars) {
      try (JarFile jar = new JarFile(each.toFile())) {
        assertThat(jar.stream().map(entry -> entry.getName()))
            .as("classes of " + each)
            .filteredOn(name -> name.endsWith(".class"))
            .allMatch(
                name -> name.matches("(META-INF/versions/\\d+/)?(io/tproc/.*|module-info.class)"));
      }
    }
  }

  /** What a user's build gets with a module, without what a module's own tests have. */
  @ParameterizedTest
  @CsvSource({
    "tproc-api, 'org.jspecify:jspecify'",
    "tproc-jni, 'io.tproc:tproc-api org.jspecify:jspecify'",
    "tproc-arrow, 'io.tproc:tproc-api org.apache.arrow:arrow-c-data org.apache.arrow:arrow-memory-core"
        + " org.apache.arrow:arrow-vector org.jspecify:jspecify'",
  })
  void aModuleBringsWhatIsSaid(String module, String said) throws Exception {
    Path pom = ROOT.resolve(module).resolve("pom.xml");
    assumeTrue(Files.exists(pom), "skipped: the sources are not here");
    Element project =
        DocumentBuilderFactory.newInstance()
            .newDocumentBuilder()
            .parse(pom.toFile())
            .getDocumentElement();
    assertThat(dependencies(project)).containsExactlyInAnyOrder(said.split(" "));
  }

  private static List<String> dependencies(Element project) {
    List<String> found = new ArrayList<>();
    NodeList all = project.getElementsByTagName("dependency");
    for (int i = 0; i < all.getLength(); i++) {
      Element each = (Element) all.item(i);
      boolean isModules = each.getParentNode().getParentNode() == project;
      if (isModules && !List.of("test", "provided").contains(text(each, "scope"))) {
        found.add(text(each, "groupId") + ":" + text(each, "artifactId"));
      }
    }
    return found;
  }

  private static String text(Element element, String name) {
    NodeList found = element.getElementsByTagName(name);
    return found.getLength() == 0 ? "" : found.item(0).getTextContent();
  }
}
