package io.tproc.cli;

import io.tproc.spi.UnpackedProgram;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** The launcher of this machine's architecture, as a file of this user's. */
final class LauncherFile {
  private static final String NAME = "tproc-run";

  private final String resource;
  private final Path cache;

  LauncherFile(String resource, Path cache) {
    this.resource = resource;
    this.cache = cache;
  }

  /** For this machine and this user. */
  static LauncherFile installed() {
    String machine = System.getProperty("os.arch", "");
    String architecture = machine.equals("amd64") ? "x86_64" : machine;
    return new LauncherFile(
        "/launcher/linux-" + architecture + "/" + NAME,
        UnpackedProgram.userCache(
            System.getenv("XDG_CACHE_HOME"), System.getProperty("user.home", "/")));
  }

  /**
   * Makes sure that the file is there.
   *
   * @return its absolute path
   * @throws IOException when there is none for this machine, or it cannot be written
   */
  Path unpack() throws IOException {
    return new UnpackedProgram(NAME, read()).below(cache);
  }

  private byte[] read() throws IOException {
    try (@Nullable InputStream stream = LauncherFile.class.getResourceAsStream(resource)) {
      if (stream == null) {
        throw new IOException(
            "there is no launcher for this machine in this jar: " + resource.substring(1));
      }
      return stream.readAllBytes();
    }
  }
}
