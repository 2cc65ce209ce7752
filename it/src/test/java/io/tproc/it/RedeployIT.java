package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.ref.WeakReference;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * An application server gives each application a class loader of its own, and expects that it can
 * be collected when the application is gone.
 */
class RedeployIT {
  /** Not the user's: where that cannot be written, programs are unpacked beside the library. */
  @TempDir private Path cache;

  /** The library out of the jar, or of the file that -Dtproc.library names. */
  @ParameterizedTest
  @CsvSource({"2,false", "12,false", "2,true", "12,true"})
  void nothingOfAnUndeployedApplicationStays(int times, boolean named, @TempDir Path directory)
      throws Exception {
    long scaled = Math.max(2, Patience.scaled(times));
    run(RedeployMain.class, directory, named, Long.toString(scaled));
  }

  @ParameterizedTest
  @CsvSource({"false", "true"})
  void twoApplicationsHostAtTheSameTime(boolean named, @TempDir Path directory) throws Exception {
    run(TwoApplicationsMain.class, directory, named);
  }

  /** In a second JVM: this one keeps classes for its own reasons. */
  private void run(Class<?> main, Path directory, boolean named, String... arguments)
      throws Exception {
    ChildJvm jvm = new ChildJvm().with("-Dtproc.tmpdir=" + directory);
    if (named) {
      jvm.with("-Dtproc.library=" + unpack(directory));
    }
    ProcessBuilder builder = jvm.main(main, arguments);
    builder.environment().put("XDG_CACHE_HOME", cache.toString());
    Outcome outcome = Outcome.of(builder.start(), "");
    assertThat(outcome).as(outcome.toString()).returns("as before\n", Outcome::output);
    try (Stream<Path> left = Files.list(directory)) {
      assertThat(left.filter(path -> !path.endsWith("named.so"))).isEmpty();
    }
  }

  private static Path unpack(Path directory) throws IOException {
    String folder = Programs.ARCHITECTURE.equals("x86_64") ? "linux_64" : "linux_arm64";
    String resource = "/natives/" + folder + "/libtproc-jni.so";
    try (var library = RedeployIT.class.getResourceAsStream(resource)) {
      Path file = directory.resolve("named.so");
      Files.copy(library, file);
      return file;
    }
  }

  /** What a killed JVM left, and what is another user's. */
  @Test
  void leftoversOfKilledJvmsAreRemoved(@TempDir Path directory) throws Exception {
    Path old = Files.createDirectory(directory.resolve("tproc-999999999-1"));
    Files.writeString(old.resolve("libtproc-jni.so"), "half a library");
    Path fresh = Files.createDirectory(directory.resolve("tproc-999999999-2"));
    Path ofRunning =
        Files.createDirectory(directory.resolve("tproc-" + ProcessHandle.current().pid() + "-3"));
    Path strange = Files.createDirectory(directory.resolve("tproc-samples"));
    for (Path path : List.of(old, ofRunning, strange)) {
      Files.setLastModifiedTime(path, java.nio.file.attribute.FileTime.fromMillis(0));
    }

    ProcessBuilder jvm =
        new ChildJvm().with("-Dtproc.tmpdir=" + directory).main(RedeployMain.class, "2");
    Outcome outcome = Outcome.of(jvm.start(), "");

    assertThat(outcome.exitValue).as(outcome.toString()).isZero();
    assertThat(old).doesNotExist();
    assertThat(List.of(fresh, ofRunning, strange)).allMatch(Files::exists);
  }

  /** An application: all of tproc in a class loader of its own. */
  private static final class Application {
    private final URLClassLoader loader;

    Application() throws Exception {
      List<URL> urls = new ArrayList<>();
      for (String entry : System.getProperty("java.class.path").split(":")) {
        urls.add(Path.of(entry).toUri().toURL());
      }
      loader = new URLClassLoader(urls.toArray(new URL[0]), ClassLoader.getPlatformClassLoader());
    }

    /** Opens a host, with a program in it. */
    AutoCloseable open(String command) throws Exception {
      return open("start", new Class<?>[] {String[].class}, (Object) new String[] {command});
    }

    /** As {@link #open}, with all that a host can have. */
    AutoCloseable openAll(String command) throws Exception {
      Class<?>[] types = {String.class, String.class, String[].class};
      String[] commands = {command};
      return open(
          "startAll", types, Programs.probe("worker"), Programs.library("contained"), commands);
    }

    private AutoCloseable open(String method, Class<?>[] types, Object... arguments)
        throws Exception {
      ClassLoader before = Thread.currentThread().getContextClassLoader();
      Thread.currentThread().setContextClassLoader(loader);
      try {
        return (AutoCloseable)
            loader
                .loadClass(HostedApplication.class.getName())
                .getDeclaredMethod(method, types)
                .invoke(null, arguments);
      } finally {
        Thread.currentThread().setContextClassLoader(before);
      }
    }
  }

  static final class RedeployMain {
    private RedeployMain() {}

    public static void main(String[] arguments) throws Exception {
      int times = Integer.parseInt(arguments[0]);
      deployAndUndeploy(times); // the JDK's own threads, pools and metaspace
      Resources before = Resources.now();
      deployAndUndeploy(times);
      before.assertAsBefore();
      System.out.println("as before");
    }

    private static void deployAndUndeploy(int times) throws Exception {
      List<WeakReference<ClassLoader>> loaders = new ArrayList<>();
      for (int i = 0; i < times; i++) {
        loaders.add(deployAndUndeploy());
      }
      Patience.untilNothingToComplainOf(
          Patience.seconds(60),
          () -> {
            System.gc();
            long left = loaders.stream().filter(loader -> loader.get() != null).count();
            return left == 0 ? "" : left + " class loaders have not been collected";
          });
    }

    private static WeakReference<ClassLoader> deployAndUndeploy() throws Exception {
      Application application = new Application();
      application.openAll(Programs.nothing()).close();
      application.loader.close();
      return new WeakReference<>(application.loader);
    }
  }

  static final class TwoApplicationsMain {
    private TwoApplicationsMain() {}

    public static void main(String[] arguments) throws Exception {
      try (AutoCloseable first = new Application().open(Programs.probe("waiter"));
          AutoCloseable second = new Application().open(Programs.probe("waiter"))) {
        if (first.getClass() == second.getClass()) {
          throw new AssertionError("one class loader for both");
        }
      }
      System.out.println("as before");
    }
  }
}
