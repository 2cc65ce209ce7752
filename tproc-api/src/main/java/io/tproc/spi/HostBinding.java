package io.tproc.spi;

import io.tproc.LaunchException;
import io.tproc.ThreadProc;
import io.tproc.ThreadProcStatus;
import io.tproc.TprocListener;
import java.io.IOException;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * One host, as a provider implements it.
 *
 * <p>Implementations are thread-safe. The caller has checked the arguments as each method says.
 */
public interface HostBinding extends AutoCloseable {
  /**
   * Starts a program.
   *
   * @param request what to start; complete and free of {@code null}
   * @return the running threadproc
   * @throws LaunchException when the program cannot be hosted; nothing is left behind
   * @throws IOException when a pipe or a redirect cannot be opened; nothing is left behind
   * @throws IllegalStateException when this host is closed
   */
  ThreadProc launch(LaunchRequest request) throws IOException;

  /**
   * Gives the page that all threadprocs of this host share.
   *
   * @return a direct buffer over the whole page; the caller changes neither its position nor its
   *     byte order
   * @throws IllegalStateException when this host is closed
   */
  ByteBuffer scratch();

  /**
   * Gives a direct buffer over memory of this address space.
   *
   * @param address the first byte; positive
   * @param size the number of bytes; not negative, and {@code address + size} does not overflow
   * @return a new direct buffer, of any byte order
   */
  ByteBuffer view(long address, int size);

  /**
   * Gives the address of a direct buffer's index 0, and lets forked children see its memory.
   *
   * @param directBuffer a buffer whose {@link Buffer#isDirect()} is true
   * @return the address
   */
  long addressOf(Buffer directBuffer);

  /**
   * Listens at a Unix socket, as {@link io.tproc.TprocHost#listen} says.
   *
   * @param socket an absolute path of the default file system
   * @return the open listener; {@link #close} closes it
   * @throws IOException when the socket cannot be made; nothing is left behind
   * @throws IllegalStateException when this host is closed, or the JVM is about to end
   */
  TprocListener listen(Path socket) throws IOException;

  /**
   * Finds the threadproc that an address belongs to.
   *
   * @param address any address
   * @return empty when it belongs to none that is not closed, or to one that a launcher has started
   * @throws IllegalStateException when this host is closed
   */
  Optional<ThreadProc> ownerOf(long address);

  /**
   * Lists the threadprocs that run now and were started by {@link #launch}.
   *
   * @return a snapshot, in the order of their start
   */
  List<ThreadProc> threadProcs();

  /**
   * Lists the threadprocs whose memory has not been given back, whoever started them.
   *
   * @return a snapshot, in the order of their start
   * @throws IllegalStateException when this host is closed
   */
  List<ThreadProcStatus> list();

  /**
   * Closes the listeners, kills every threadproc, waits for their exits, and releases everything.
   * Calls after the first wait for the first.
   */
  @Override
  void close();
}
