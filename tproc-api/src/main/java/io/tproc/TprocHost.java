package io.tproc;

import io.tproc.library.ContainedLibrary;
import io.tproc.library.LibraryBuilder;
import io.tproc.library.LibraryPool;
import io.tproc.python.PythonPoolBuilder;
import io.tproc.share.Channels;
import io.tproc.share.Registry;
import io.tproc.share.SharedHeap;
import io.tproc.worker.WorkerPoolBuilder;
import java.io.IOException;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * This JVM as a host: its address space, opened to native programs.
 *
 * <p>Several hosts can be open at once; each has its own scratch page and its own threadprocs. All
 * methods are thread-safe. Programs end with the host, at the latest with the JVM, however that
 * ends.
 *
 * <p>On Java 22 and later there is also {@code MemorySegment segment(long address, long size)}: as
 * {@link #view}, without its limit on the size.
 */
public interface TprocHost extends PlatformMemory, AutoCloseable {
  /** The size of the {@link #scratch()} page, in bytes. */
  int SCRATCH_SIZE = 4096;

  /**
   * Makes this JVM a host.
   *
   * @return a new host, to be closed by the caller
   * @throws TprocUnavailableException when there is no provider on the class path or module path,
   *     or the machine cannot host; the message says what is missing and what to do
   */
  static TprocHost open() {
    return Providers.first().open();
  }

  /**
   * Probes what this machine offers, without opening a host and without side effects that outlive
   * the call.
   *
   * @return one finding for each thing that hosting needs or profits from. Hosting is possible when
   *     none of them is {@link Finding.Verdict#MISSING}
   * @throws TprocUnavailableException when not even probing is possible: no provider, or no native
   *     library for this machine
   */
  static List<Finding> check() {
    return Providers.first().check();
  }

  /**
   * Prepares to start a program.
   *
   * @param command the program and its arguments. A program without a {@code '/'} is looked up in
   *     the host's {@code PATH}
   * @return a builder, with the host's environment and directory and with pipes for the three
   *     streams
   */
  ThreadProcBuilder command(String... command);

  /**
   * Prepares to start a program.
   *
   * @param command the program and its arguments; the builder keeps this list, as {@link
   *     ProcessBuilder} does
   * @return a builder, with the host's environment and directory and with pipes for the three
   *     streams
   */
  ThreadProcBuilder command(List<String> command);

  /**
   * Loads a native library in a threadproc of its own: {@code libraryBuilder(name).open()}.
   *
   * @param name as {@code dlopen} takes it: a path when it has a {@code '/'}, else a name to be
   *     looked up as the dynamic loader does
   * @return the library, to be closed by the caller
   * @throws io.tproc.library.LibraryLoadException when the library cannot be loaded; nothing is
   *     left behind
   * @throws IOException when its process cannot be started; nothing is left behind
   * @throws IllegalStateException when the host is closed
   */
  default ContainedLibrary library(String name) throws IOException {
    return libraryBuilder(name).open();
  }

  /**
   * Loads a native library in several threadprocs: {@code libraryBuilder(name).openPool(count)}.
   *
   * @param name as {@code dlopen} takes it
   * @param count how many instances; at least 1
   * @return the pool, to be closed by the caller
   * @throws io.tproc.library.LibraryLoadException when the library cannot be loaded; nothing is
   *     left behind
   * @throws IOException when a process cannot be started; nothing is left behind
   * @throws IllegalArgumentException when the count is not positive
   * @throws IllegalStateException when the host is closed
   */
  default LibraryPool libraryPool(String name, int count) throws IOException {
    return libraryBuilder(name).openPool(count);
  }

  /**
   * Prepares to load a native library in a threadproc of its own.
   *
   * @param name as {@code dlopen} takes it
   * @return a builder, with the host's environment, directory and standard streams
   */
  LibraryBuilder libraryBuilder(String name);

  /**
   * Prepares a pool of programs that serve requests, with {@code tproc_serve} of libtproc.
   *
   * @param command the program and its arguments. A program without a {@code '/'} is looked up in
   *     the host's {@code PATH}
   * @return a builder, with one worker and with the host's environment, directory and standard
   *     streams
   * @throws IllegalArgumentException when the command is empty
   */
  default WorkerPoolBuilder workers(String... command) {
    return new WorkerPoolBuilder(this, List.of(command));
  }

  /**
   * Prepares interpreters of the machine's {@code python3}: {@code python("python3")}.
   *
   * @return a builder, with one interpreter and with the host's environment, directory and standard
   *     streams
   */
  default PythonPoolBuilder python() {
    return python("python3");
  }

  /**
   * Prepares interpreters of a Python, whose functions are called from Java.
   *
   * @param program a CPython of 3.8 or newer, as {@code venv/bin/python3}; one without a {@code
   *     '/'} is looked up in the host's {@code PATH}. It may be a script that leads to one
   * @return a builder, with one interpreter and with the host's environment, directory and standard
   *     streams
   */
  PythonPoolBuilder python(String program);

  /**
   * The page that this host shares with all its threadprocs, which find it as {@code
   * tproc_scratch()}. Zeroed at open; what it holds is up to you.
   *
   * @return a direct buffer over its 4,096 bytes, in native byte order; a fresh duplicate on each
   *     call, so position and limit are the caller's own. After the host's {@code close()} its use
   *     throws where a {@linkplain #view view}'s does, and is forbidden elsewhere
   * @throws IllegalStateException when the host is closed
   */
  ByteBuffer scratch();

  /**
   * A window on memory of this address space: a threadproc's, a native library's, any other.
   * Nothing is copied.
   *
   * <p>When the first byte is the memory of a threadproc that {@link #command} has started, running
   * or ended, the buffer keeps that {@link ThreadProc} reachable, and has to do with its memory
   * alone. What becomes of it once that memory is released (by {@link ThreadProc#close}, by {@link
   * #close}, or at the end of what {@linkplain ThreadProc#retainMemory retains} it):
   *
   * <ul>
   *   <li>on Java 22 and later, in a JVM that was started with {@code --enable-native-access} for
   *       {@code io.tproc} ({@code ALL-UNNAMED} on the class path), using the buffer, or what was
   *       made of it, throws {@link IllegalStateException};
   *   <li>elsewhere nothing can end a buffer. So its program's memory stays mapped until the
   *       garbage collector finds that the buffer is not reachable any more.
   * </ul>
   *
   * <p>Other memory has no such care: a launcher's program's, a native library's. In all memory,
   * reading or writing where nothing is mapped, or is not any more, ends the JVM, as a wrong
   * pointer in native code does: a program may unmap what it has shown.
   *
   * @param address the first byte
   * @param size the number of bytes, at most {@link Integer#MAX_VALUE}
   * @return a new direct buffer, in native byte order
   * @throws IllegalArgumentException when the address is not positive, the size is negative or too
   *     large, or the range wraps around
   * @throws IllegalStateException when it is a threadproc's that is being closed
   */
  ByteBuffer view(long address, long size);

  /**
   * The address of a direct buffer's index 0, to be handed to threadprocs. The buffer must stay
   * reachable for as long as they use the address: {@link #lend} sees to that.
   *
   * <p>Processes that threadprocs {@code fork()} do not have the buffer's memory, as they have
   * nothing of the JVM's private memory, unless it was named to {@link #keepInForks}.
   *
   * @param directBuffer a direct buffer of any element type, also a slice or a read-only one
   * @return the address
   * @throws IllegalArgumentException when the buffer is not direct: a heap buffer's address changes
   *     when the garbage collector moves it
   */
  long addressOf(Buffer directBuffer);

  /**
   * Keeps a direct buffer reachable while programs use its address.
   *
   * @param directBuffer a direct buffer of any element type, also a slice, or one over a {@code
   *     MemorySegment}, whose arena has to stay open
   * @return its address, to be closed when no program uses it any more; the host's {@code close()}
   *     closes it, too
   * @throws IllegalArgumentException when the buffer is not direct
   * @throws IllegalStateException when the host is closed
   */
  LentBuffer lend(Buffer directBuffer);

  /**
   * Lets processes that threadprocs {@code fork()} have a copy of some of the JVM's memory: {@code
   * keepInForks(host.addressOf(buffer), buffer.capacity())}. Without it they have nothing of the
   * JVM's private memory, so that a fork neither copies nor stalls the JVM. Threadprocs themselves,
   * and children that they make with {@code vfork} or {@code posix_spawn}, always see all of it.
   *
   * <p>It stays so until this host is closed, also when the memory has been freed and is used anew.
   * Each range that lies apart divides mappings, of which a process may have 65,530 ({@code
   * vm.max_map_count}): name one large range rather than many small ones.
   *
   * @param address the first byte
   * @param size the number of bytes
   * @throws IllegalArgumentException when the address is not positive, the size is negative, or the
   *     range wraps around
   * @throws IllegalStateException when the host is closed
   */
  void keepInForks(long address, long size);

  /**
   * Listens at a Unix socket: from here on launchers ({@code tproc-run SOCKET PROGRAM}) start
   * programs in this JVM's address space, as if they had been started where the launcher is.
   *
   * <p>The socket's directory must exist, belong to this JVM's user or to root, and be writable by
   * its owner only: {@code $XDG_RUNTIME_DIR} is one, {@code /tmp} is not. The socket gets mode
   * 0600. A socket left behind by a host that was killed is replaced; one at which a host listens
   * is not, nor is any other file. A host may have several listeners.
   *
   * @param socket the socket's path, in the default file system; it may be longer than the kernel's
   *     107 bytes for the address of a socket, but not its last name longer than 80 bytes
   * @return the open listener; see there for who may connect, and for what its end does
   * @throws IOException when the socket cannot be made; the message says why: the directory is
   *     missing or others can write to it, a host listens there already, there is another file
   * @throws UnsupportedOperationException when the path is not of the default file system
   * @throws IllegalStateException when the host is closed, or the JVM is about to end
   */
  TprocListener listen(Path socket) throws IOException;

  /**
   * Listens at a Unix socket that this process was started with, as systemd's socket activation
   * does it: there the first descriptor is 3. The socket's directory has to be as {@link
   * #listen(Path)} wants it; the socket's file stays when the listener is closed.
   *
   * @param descriptor the number of a Unix stream socket that listens already. It stays open.
   * @return the open listener
   * @throws IOException when it cannot be used; the message says why: it is not open, no such
   *     socket, has no file, or others can write to its directory
   * @throws IllegalStateException when the host is closed, or the JVM is about to end
   */
  TprocListener listenInherited(int descriptor) throws IOException;

  /**
   * The threadproc that an address belongs to: one in its slot, whether anything is mapped there or
   * not, or in what it has mapped outside of it.
   *
   * @param address any address
   * @return empty when it is the JVM's own or free, when its threadproc is closed, and when it
   *     belongs to a program that a launcher has started: there is no {@link ThreadProc} for that
   * @throws IllegalStateException when the host is closed
   */
  Optional<ThreadProc> ownerOf(long address);

  /**
   * Lists the threadprocs that run now and were started by this host's {@code command}. Programs
   * that launchers have started are not among them: {@link #statuses()} has those too.
   *
   * @return an unmodifiable snapshot, in the order of their start
   */
  List<ThreadProc> running();

  /**
   * Describes all threadprocs of this host whose memory has not been given back, those that
   * launchers have started included. Looks at each of them, which takes some milliseconds when
   * there are hundreds.
   *
   * @return an unmodifiable snapshot, in the order of their start
   * @throws IllegalStateException when the host is closed
   */
  List<ThreadProcStatus> statuses();

  /**
   * What {@link ThreadProcBuilder#prepare(int)} keeps waiting in this host.
   *
   * @return an unmodifiable snapshot
   * @throws IllegalStateException when the host is closed
   */
  List<PreparedProgram> prepared();

  /**
   * The heap that this JVM shares with its programs, and the locks in it.
   *
   * @return the heap, the same on each call
   */
  SharedHeap heap();

  /**
   * What this JVM and its programs share, by name.
   *
   * @return the registry, the same on each call
   */
  Registry registry();

  /**
   * Queues between this JVM and its programs.
   *
   * @return the channels, the same on each call
   */
  Channels channels();

  /**
   * Closes the listeners, kills every threadproc that still runs, waits for their exits, and
   * releases all memory, also that of threadprocs that have ended before, and what is {@linkplain
   * ThreadProc#retainMemory retained}. From here on no pointer into a threadproc, into the shared
   * heap or into the scratch page may be used; what becomes of {@linkplain #view views} is said
   * there, and on Java 22 and later this waits for calls into native code that use one. The exit
   * statuses stay known. Calls after the first wait for the first to end.
   */
  @Override
  void close();
}
