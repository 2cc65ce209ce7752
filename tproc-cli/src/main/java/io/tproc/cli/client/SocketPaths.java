package io.tproc.cli.client;

import java.io.IOException;
import java.net.ConnectException;
import java.net.UnixDomainSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * How to get to a socket, and why not. The kernel takes paths of at most 107 bytes (sun_path); a
 * longer one is reached through a short symbolic link, which lives as long as this object.
 */
final class SocketPaths implements AutoCloseable {
  private static final int LONGEST = 107;
  private static final int FILE_TYPE = 0170000;
  private static final int TYPE_SOCKET = 0140000;

  private final Path reachable;
  private final @Nullable Path directory;

  private SocketPaths(Path reachable, @Nullable Path directory) {
    this.reachable = reachable;
    this.directory = directory;
  }

  /**
   * Finds out whether it makes sense to connect.
   *
   * @throws IOException when nothing is there, or something else than a socket
   */
  static void check(Path socket) throws IOException {
    int mode;
    try {
      mode = (Integer) Files.getAttribute(socket, "unix:mode");
    } catch (NoSuchFileException missing) {
      throw new IOException("no host listens at " + socket + ": there is no such file", missing);
    } catch (IOException hidden) {
      throw new IOException("cannot look at " + socket + ": " + reason(hidden), hidden);
    }
    if ((mode & FILE_TYPE) != TYPE_SOCKET) {
      throw new IOException("no host listens at " + socket + ": this is not a socket");
    }
  }

  private static String reason(IOException failed) {
    return failed instanceof AccessDeniedException
        ? "permission denied"
        : String.valueOf(failed.getMessage());
  }

  /** What a failed connect means. */
  static IOException explained(Path socket, IOException failed) {
    if (failed instanceof ConnectException) {
      return new IOException(
          "no host listens at " + socket + ": it is gone, and has left the socket behind", failed);
    }
    return new IOException("cannot connect to " + socket + ": " + failed.getMessage(), failed);
  }

  static SocketPaths shortened(Path socket) throws IOException {
    if (socket.toString().getBytes(StandardCharsets.UTF_8).length <= LONGEST) {
      return new SocketPaths(socket, null);
    }
    Path directory = Files.createTempDirectory("tproc");
    try {
      Path link = directory.resolve("s");
      Files.createSymbolicLink(link, socket.toAbsolutePath());
      return new SocketPaths(link, directory);
    } catch (Throwable failed) {
      Files.delete(directory);
      throw failed;
    }
  }

  UnixDomainSocketAddress address() {
    return UnixDomainSocketAddress.of(reachable);
  }

  @Override
  public void close() throws IOException {
    if (directory != null) {
      Files.delete(reachable);
      Files.delete(directory);
    }
  }
}
