package io.tproc.cli;

import io.tproc.spi.UnpackedProgram;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tproc unpack-library}: for JVMs that have no directory to unpack it into themselves. */
@Command(
    name = "unpack-library",
    description =
        "Unpacks the native library into a directory, and prints its path: for JVMs whose"
            + " temporary directory is read-only or mounted noexec.",
    footer = {
      "",
      "Beside it come the files that contained libraries and pools of Python need, and are found"
          + " there. When an image is made, and when its JVM starts:",
      "  tproc unpack-library /opt/app/lib",
      "  java -Dtproc.library=/opt/app/lib/libtproc-jni.so ...",
      "",
      "Exit status: 0, or 125 when it cannot be unpacked."
    })
final class UnpackLibraryCommand implements Callable<Integer> {
  /** As {@code uname -m} says it. */
  enum Architecture {
    x86_64("linux_64"),
    aarch64("linux_arm64");

    /** In the jar, below natives. */
    final String folder;

    Architecture(String folder) {
      this.folder = folder;
    }

    static Architecture ofThisMachine() throws IOException {
      String name = System.getProperty("os.arch", "");
      return switch (name) {
        case "amd64", "x86_64" -> x86_64;
        case "aarch64" -> aarch64;
        default ->
            throw new IOException(
                "there is no native library for this machine, " + name + ": name one with --arch");
      };
    }
  }

  private static final String LIBRARY = "libtproc-jni.so";

  /** The library comes last: where it is, all is. */
  private static final List<String> FILES = List.of("tproc-callee", "libtproc.so.0.1", LIBRARY);

  @Spec @Nullable CommandSpec spec;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help and exit.")
  boolean help;

  @Option(
      names = {"--arch"},
      paramLabel = "ARCH",
      description = "x86_64 or aarch64. Default: this machine's.")
  @Nullable Architecture architecture;

  @Parameters(
      arity = "1",
      paramLabel = "DIR",
      description = "Where to; it is made when it is not there.")
  @Nullable Path directory;

  @Override
  public Integer call() throws Exception {
    Architecture whose = architecture != null ? architecture : Architecture.ofThisMachine();
    Path where = Objects.requireNonNull(directory);
    for (String file : FILES) {
      unpack(whose, file, where);
    }
    PrintWriter output = Objects.requireNonNull(spec).commandLine().getOut();
    output.println(where.resolve(LIBRARY).toAbsolutePath().normalize());
    output.flush();
    return 0;
  }

  private static void unpack(Architecture whose, String file, Path where) throws IOException {
    String resource = "natives/" + whose.folder + "/" + file;
    try (@Nullable InputStream stream =
        UnpackLibraryCommand.class.getResourceAsStream("/" + resource)) {
      if (stream == null) {
        throw new IOException("this jar has no " + resource);
      }
      new UnpackedProgram(file, stream.readAllBytes()).into(where);
    }
  }
}
