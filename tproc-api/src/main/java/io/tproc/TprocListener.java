package io.tproc;

import java.nio.file.Path;

/**
 * A host that listens: the Unix socket at which launchers ({@code tproc-run}) start programs in
 * this JVM's address space, and at which {@code tproc ps}, {@code tproc maps} and {@code tproc
 * kill} ask and act. Made by {@link TprocHost#listen(Path)}.
 *
 * <p><strong>Who may connect.</strong> Processes of this JVM's effective user, no other user and
 * not root either: the socket's mode is 0600, its directory must be writable by its owner only, and
 * the kernel is asked for the user of each connection. A launched program has the rights of any
 * threadproc: it can read and write all memory of this JVM.
 *
 * <p><strong>Launched programs</strong> belong to their launchers: their streams, environment,
 * directory, limits and signals are the launcher's, and when a launcher is gone its program is
 * ended too (unless it was started with {@code --detach}). The memory of a launched program is
 * released soon after it has ended.
 *
 * <p><strong>The end.</strong> {@link #close()}, the host's {@link TprocHost#close()} and the end
 * of the JVM by {@link System#exit}, SIGTERM, SIGINT, SIGHUP or the return of the last user thread
 * end what was launched, tell the launchers, and remove the socket. A JVM that is killed (SIGKILL,
 * a crash, {@link Runtime#halt}) takes what was launched with it but leaves the socket's name
 * behind; the next {@code listen} finds that no host listens there and replaces it.
 *
 * <p>All methods are thread-safe. An open listener keeps its host open, also when no variable keeps
 * either of them. It does not keep the JVM running: its threads are not Java's.
 */
public interface TprocListener extends AutoCloseable {
  /**
   * The socket's path.
   *
   * @return absolute; also after {@link #close()}, when nothing is there any more
   */
  Path socket();

  /**
   * Whether programs can be launched through this listener.
   *
   * @return false once {@link #close()} has begun, here or by the host
   */
  boolean isOpen();

  /**
   * Refuses new connections, kills (SIGKILL) the programs that launchers have started, lets the
   * launchers know, releases the programs' memory, and removes the socket, unless another file has
   * taken its name meanwhile. What the host itself has started goes on. Calls after the first wait
   * for the first to end.
   */
  @Override
  void close();
}
