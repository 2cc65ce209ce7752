package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleFinder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.osgi.framework.Bundle;
import org.osgi.framework.Constants;
import org.osgi.framework.launch.Framework;
import org.osgi.framework.launch.FrameworkFactory;

/** The published jars in an OSGi framework: a bundle with what {@code io.tproc} exports hosts. */
class OsgiIT {
  private static final String FELIX = "org.apache.felix.framework";
  private static final String EQUINOX = "org.eclipse.osgi";

  @ParameterizedTest
  @ValueSource(strings = {FELIX, EQUINOX})
  void aBundleHostsAProgram(String framework, @TempDir Path directory) throws Exception {
    Outcome outcome = host(framework, directory, "jdk.jfr.*");

    assertThat(outcome)
        .returns("exit 7\nrecorded 1\ncalled 3\nwhole true\n", Outcome::output)
        .returns(0, result -> result.exitValue);
    assertThat(outcome.error().replaceAll("\\(file:[^)]*\\)", "")).doesNotContain("tproc");
  }

  /** A recorder that a framework hides costs the records, not the launch. */
  @ParameterizedTest
  @ValueSource(strings = {FELIX, EQUINOX})
  void aBundleHostsAProgramUnrecorded(String framework, @TempDir Path directory) throws Exception {
    Outcome outcome = host(framework, directory, "sun.misc");

    assertThat(outcome)
        .returns("exit 7\nrecorded 0\ncalled 3\nwhole true\n", Outcome::output)
        .returns(0, result -> result.exitValue);
    assertThat(outcome.error())
        .contains("hidden from this class loader")
        .contains("org.osgi.framework.bootdelegation=jdk.jfr.*");
  }

  private static Outcome host(String framework, Path directory, String shown) throws Exception {
    List<String> bundles = new ArrayList<>();
    for (Path jar : bundles("io\\.tproc.*")) {
      bundles.add(jar.toUri().toString());
    }
    assertThat(bundles).as("API, provider, native code").hasSize(3);
    bundles.add(hostingBundle(directory.resolve("hosting.jar")).toUri().toString());

    Path classes =
        Path.of(OsgiIT.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    List<String> arguments =
        new ArrayList<>(List.of(directory.resolve("storage").toString(), shown));
    arguments.addAll(bundles);
    ChildJvm jvm = new ChildJvm().classPath(bundles(framework).get(0) + ":" + classes);
    return Outcome.of(
        jvm.with("-Xmx256m").main(FrameworkMain.class, arguments.toArray(String[]::new)).start(),
        "");
  }

  /** What a bundle may import is what a module may read. */
  @Test
  void theBundleExportsWhatTheModuleExports() throws IOException {
    Path api = bundles("io\\.tproc").get(0);
    ModuleDescriptor module = ModuleFinder.of(api).find("io.tproc").orElseThrow().descriptor();
    try (JarFile jar = new JarFile(api.toFile())) {
      Attributes header = jar.getManifest().getMainAttributes();
      String version = header.getValue(Constants.BUNDLE_VERSION);
      assertThat(header.getValue(Constants.EXPORT_PACKAGE).split(",\\s*"))
          .containsExactlyInAnyOrder(
              module.exports().stream()
                  .map(each -> each.source() + ";version=\"" + version + "\"")
                  .toArray(String[]::new));
      assertThat(version)
          .isEqualTo(header.getValue("Implementation-Version").replace("-SNAPSHOT", ".SNAPSHOT"));
    }
  }

  /** The jars of the class path whose bundle has such a name. */
  private static List<Path> bundles(String name) throws IOException {
    List<Path> found = new ArrayList<>();
    for (String entry : System.getProperty("java.class.path").split(":")) {
      if (entry.endsWith(".jar")) {
        try (JarFile jar = new JarFile(entry)) {
          Manifest manifest = jar.getManifest();
          String bundle =
              manifest == null
                  ? null
                  : manifest.getMainAttributes().getValue(Constants.BUNDLE_SYMBOLICNAME);
          if (bundle != null && bundle.replaceFirst(";.*", "").matches(name)) {
            found.add(Path.of(entry).toAbsolutePath());
          }
        }
      }
    }
    return found;
  }

  private static Path hostingBundle(Path file) throws IOException {
    Manifest manifest = new Manifest();
    Map.of(
            "Manifest-Version",
            "1.0",
            Constants.BUNDLE_MANIFESTVERSION,
            "2",
            Constants.BUNDLE_SYMBOLICNAME,
            "hosting",
            Constants.BUNDLE_ACTIVATOR,
            HostingBundle.class.getName(),
            Constants.IMPORT_PACKAGE,
            "io.tproc,io.tproc.library,jdk.jfr,jdk.jfr.consumer,org.osgi.framework")
        .forEach(manifest.getMainAttributes()::putValue);
    String name = HostingBundle.class.getName().replace('.', '/') + ".class";
    try (OutputStream stream = Files.newOutputStream(file);
        JarOutputStream jar = new JarOutputStream(stream, manifest);
        var compiled = OsgiIT.class.getResourceAsStream("/" + name)) {
      jar.putNextEntry(new ZipEntry(name));
      compiled.transferTo(jar);
    }
    return file;
  }

  /** An application server: a framework, and bundles that are started in it. */
  static final class FrameworkMain {
    private FrameworkMain() {}

    public static void main(String[] arguments) {
      int status = 1;
      try {
        run(arguments);
        status = 0;
      } catch (Exception failure) {
        failure.printStackTrace();
      }
      System.exit(status); // a framework that has not been stopped has threads
    }

    private static void run(String[] arguments) throws Exception {
      Framework framework =
          ServiceLoader.load(FrameworkFactory.class)
              .findFirst()
              .orElseThrow()
              .newFramework(
                  Map.of(
                      Constants.FRAMEWORK_STORAGE,
                      arguments[0],
                      Constants.FRAMEWORK_BOOTDELEGATION,
                      arguments[1]));
      framework.start();
      List<Bundle> bundles = new ArrayList<>();
      for (String location : Stream.of(arguments).skip(2).toList()) {
        bundles.add(framework.getBundleContext().installBundle(location));
      }
      for (Bundle bundle : bundles) {
        if (bundle.getHeaders().get(Constants.FRAGMENT_HOST) == null) {
          bundle.start();
        }
      }
      framework.stop();
      framework.waitForStop(0);
    }
  }
}
