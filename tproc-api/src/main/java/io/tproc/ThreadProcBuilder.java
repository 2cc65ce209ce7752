package io.tproc;

import io.tproc.spi.LaunchRequest;
import io.tproc.spi.ProgramStarter;
import io.tproc.spi.StartState;
import java.io.File;
import java.io.FileDescriptor;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Prepares and starts threadprocs; reads like {@link ProcessBuilder} and behaves like it.
 *
 * <p>One builder can start several threadprocs; what is changed later does not touch those that
 * run. Not thread-safe, as {@link ProcessBuilder} is not; several builders of one host may be used
 * at the same time.
 */
public final class ThreadProcBuilder {
  private final ProgramStarter starter;

  /**
   * Keeps and checks all that it knows about, so that every rule is the JDK's own; it never starts
   * anything.
   */
  private final ProcessBuilder settings;

  private int umask = LaunchRequest.INHERIT_UMASK;
  private boolean crashReport;
  private boolean stay;
  private boolean neverForks;
  private boolean spill;
  private long heapLimit = LaunchRequest.NO_LIMIT;
  private @Nullable Integer nice;
  private final Map<ResourceLimit, StartState.Limit> limits = new EnumMap<>(ResourceLimit.class);
  private Set<Integer> cpus = Set.of();
  private final Map<Integer, FileDescriptor> descriptors = new TreeMap<>();
  private boolean session;

  /**
   * For providers; users get one from {@link TprocHost#command(String...)}.
   *
   * @param starter starts what this builder describes
   * @param command the program, then its arguments; kept, not copied
   */
  public ThreadProcBuilder(ProgramStarter starter, List<String> command) {
    this.starter = Objects.requireNonNull(starter, "starter");
    this.settings = new ProcessBuilder(command);
  }

  /**
   * Sets the program and its arguments.
   *
   * @param command the program, then its arguments; kept, not copied
   * @return this builder
   */
  public ThreadProcBuilder command(List<String> command) {
    settings.command(command);
    return this;
  }

  /**
   * Sets the program and its arguments.
   *
   * @param command the program, then its arguments
   * @return this builder
   */
  public ThreadProcBuilder command(String... command) {
    settings.command(command);
    return this;
  }

  /**
   * The program and its arguments.
   *
   * @return the live list: changes to it change what is started
   */
  public List<String> command() {
    return settings.command();
  }

  /**
   * The environment: at first a copy of {@link System#getenv()}.
   *
   * @return the live map. Putting a name with {@code '='} or NUL in it, or a value with NUL, throws
   *     IllegalArgumentException; null throws NullPointerException
   */
  public Map<String, String> environment() {
    return settings.environment();
  }

  /**
   * The working directory.
   *
   * @return {@code null} for the host's
   */
  public @Nullable File directory() {
    return settings.directory();
  }

  /**
   * Sets the working directory. A relative program path is resolved in it.
   *
   * @param directory {@code null} for the host's
   * @return this builder
   */
  public ThreadProcBuilder directory(@Nullable File directory) {
    settings.directory(directory);
    return this;
  }

  /**
   * Sets the working directory. A relative program path is resolved in it.
   *
   * @param directory a path of the default file system
   * @return this builder
   */
  public ThreadProcBuilder directory(Path directory) {
    return directory(directory.toFile());
  }

  /**
   * Where standard input comes from.
   *
   * @return {@link Redirect#PIPE} unless set
   */
  public Redirect redirectInput() {
    return settings.redirectInput();
  }

  /**
   * Sets where standard input comes from.
   *
   * @param source PIPE, INHERIT, or {@link Redirect#from}
   * @return this builder
   * @throws IllegalArgumentException when the redirect is one for writing
   */
  public ThreadProcBuilder redirectInput(Redirect source) {
    settings.redirectInput(Objects.requireNonNull(source, "source"));
    return this;
  }

  /**
   * Reads standard input from a file.
   *
   * @param file the file
   * @return this builder
   */
  public ThreadProcBuilder redirectInput(File file) {
    settings.redirectInput(Objects.requireNonNull(file, "file"));
    return this;
  }

  /**
   * Where standard output goes.
   *
   * @return {@link Redirect#PIPE} unless set
   */
  public Redirect redirectOutput() {
    return settings.redirectOutput();
  }

  /**
   * Sets where standard output goes.
   *
   * @param destination PIPE, INHERIT, DISCARD, {@link Redirect#to} or {@link Redirect#appendTo}
   * @return this builder
   * @throws IllegalArgumentException when the redirect is one for reading
   */
  public ThreadProcBuilder redirectOutput(Redirect destination) {
    settings.redirectOutput(Objects.requireNonNull(destination, "destination"));
    return this;
  }

  /**
   * Writes standard output to a file, which is emptied first.
   *
   * @param file the file
   * @return this builder
   */
  public ThreadProcBuilder redirectOutput(File file) {
    settings.redirectOutput(Objects.requireNonNull(file, "file"));
    return this;
  }

  /**
   * Where standard error goes, unless it is merged into standard output.
   *
   * @return {@link Redirect#PIPE} unless set
   */
  public Redirect redirectError() {
    return settings.redirectError();
  }

  /**
   * Sets where standard error goes.
   *
   * @param destination PIPE, INHERIT, DISCARD, {@link Redirect#to} or {@link Redirect#appendTo}
   * @return this builder
   * @throws IllegalArgumentException when the redirect is one for reading
   */
  public ThreadProcBuilder redirectError(Redirect destination) {
    settings.redirectError(Objects.requireNonNull(destination, "destination"));
    return this;
  }

  /**
   * Writes standard error to a file, which is emptied first.
   *
   * @param file the file
   * @return this builder
   */
  public ThreadProcBuilder redirectError(File file) {
    settings.redirectError(Objects.requireNonNull(file, "file"));
    return this;
  }

  /**
   * Whether standard error is merged into standard output.
   *
   * @return false unless set
   */
  public boolean redirectErrorStream() {
    return settings.redirectErrorStream();
  }

  /**
   * Sets whether standard error is merged into standard output.
   *
   * @param merge whether both go where standard output goes
   * @return this builder
   */
  public ThreadProcBuilder redirectErrorStream(boolean merge) {
    settings.redirectErrorStream(merge);
    return this;
  }

  /**
   * Gives the program the host's own standard input, output and error.
   *
   * @return this builder
   */
  public ThreadProcBuilder inheritIO() {
    settings.inheritIO();
    return this;
  }

  /**
   * Sets the permission bits that files made by the program do not get. Without a call it is the
   * host's.
   *
   * @param umask 0 to 0777
   * @return this builder
   * @throws IllegalArgumentException when it is out of range
   */
  public ThreadProcBuilder umask(int umask) {
    if (umask < 0 || umask > LaunchRequest.UMASK_MAX) {
      throw new IllegalArgumentException(
          "umask out of range 0-0777: 0" + Integer.toOctalString(umask));
    }
    this.umask = umask;
    return this;
  }

  /**
   * Sets whether a crash of the program is explained: {@link ThreadProc#crashReport()} then says
   * where it was, and so does one line of the log (logger {@code io.tproc.jni}).
   *
   * <p>For that a thread of the host's traces the program (ptrace(2), {@code PTRACE_SEIZE}) as long
   * as it runs. It then behaves as without, but no debugger can attach to it, {@code strace} can
   * neither, each signal that it gets takes some microseconds longer, and it may find its tracer in
   * {@code /proc/self/status}. Where tracing is forbidden ({@code kernel.yama.ptrace_scope} above
   * 1, a sandbox) the launch fails. What the program forks or execs is not traced.
   *
   * <p>In return, on x86_64, its calls to the host ({@code mmap}, {@code readlink} and others) do
   * not fail with EINTR, as those of other programs sometimes do when a signal comes whose handler
   * was installed without SA_RESTART. (A program that sets a timer which repeats is traced from
   * then on without this, where that is allowed: for this alone, and no crash is explained.)
   *
   * @param wanted false unless set
   * @return this builder
   */
  public ThreadProcBuilder crashReport(boolean wanted) {
    this.crashReport = wanted;
    return this;
  }

  /**
   * Sets whether the program has to stay in the address space: executing another program in its
   * place (as wrapper scripts and {@code sh -c} do with their last command) then fails with EPERM,
   * which it says as it says such things, and one line of the log (logger {@code io.tproc.jni})
   * says so, too. Otherwise it becomes an ordinary process, without the scratch page and without
   * pointers of the others. Children that it forks may execute what they like.
   *
   * @param wanted false unless set
   * @return this builder
   */
  public ThreadProcBuilder stay(boolean wanted) {
    this.stay = wanted;
    return this;
  }

  /**
   * Sets whether the program promises never to fork: {@code fork()} then fails with ENOSYS in it.
   * In return a {@code fork()} of any other program of the host does not copy its memory: without
   * this each fork takes the longer the more memory the other programs have (some 10 ms for each
   * GiB), they wait for it when they write next, and the child keeps a copy that it does not need.
   * Meant for programs with much memory.
   *
   * <p>Threads, {@code posix_spawn}, {@code vfork}, {@code system} and {@code popen} work as ever,
   * and what the program executes may fork. Children that others fork do not see its memory, within
   * a quarter of a second of when it was mapped.
   *
   * @param wanted false unless set
   * @return this builder
   */
  public ThreadProcBuilder neverForks(boolean wanted) {
    this.neverForks = wanted;
    return this;
  }

  /**
   * Sets whether the program becomes an ordinary process where it cannot be hosted because the
   * fixed addresses that it is made for (ET_EXEC) are taken, most often by another such program:
   * without this that is a {@link LaunchException}. Its streams, signals, exit status and all else
   * are as ever, and it ends with the host; but it has a memory of its own. One line of the log
   * (logger {@code io.tproc.jni}) and the event {@code io.tproc.ThreadProcLeft} say so, and its
   * state is {@link ThreadProcStatus.State#LEFT}. There is no {@link CrashReport} of it.
   *
   * @param wanted false unless set; not together with {@link #stay}
   * @return this builder
   */
  public ThreadProcBuilder spill(boolean wanted) {
    this.spill = wanted;
    return this;
  }

  /**
   * Limits what the program and its forked children may own of the {@linkplain TprocHost#heap()
   * shared heap}, together: bytes that their blocks have room for. An allocation beyond it fails
   * with ENOMEM ({@code tproc_alloc} returns NULL), and no other program notices. What they free or
   * give away is off the account; what they are given is on it, also beyond the limit, and then
   * they allocate nothing before they have less. Java's own blocks are never counted.
   *
   * @param bytes 1 or more; no limit without a call
   * @return this builder
   * @throws IllegalArgumentException when it is less than 1
   */
  public ThreadProcBuilder heapLimit(long bytes) {
    if (bytes < 1) {
      throw new IllegalArgumentException("a limit of the heap below 1 byte: " + bytes);
    }
    this.heapLimit = bytes;
    return this;
  }

  /**
   * Sets the nice value: the higher it is, the less processor time the program gets beside others.
   * Without a call it is the host's. The launch fails (EACCES, EPERM) when the host may not give
   * it, as is usual for one below its own.
   *
   * @param nice -20 to 19
   * @return this builder
   * @throws IllegalArgumentException when it is out of range
   */
  public ThreadProcBuilder nice(int nice) {
    StartState.checkRange("nice value", nice, StartState.NICE_MIN, StartState.NICE_MAX);
    this.nice = nice;
    return this;
  }

  /**
   * Limits what the program, and each of its children, may use of a resource. What is not limited
   * by a call has the host's limit. The launch fails (EPERM) when the hard limit is above the
   * host's own and the host may not raise it.
   *
   * @param resource what is limited
   * @param soft what counts at first, in the unit of the resource, or {@link
   *     ResourceLimit#UNLIMITED}; the program may change it up to the hard limit
   * @param hard in the same way, not below the soft limit
   * @return this builder
   * @throws IllegalArgumentException when one is negative, or the soft limit is above the hard one
   */
  public ThreadProcBuilder limit(ResourceLimit resource, long soft, long hard) {
    limits.put(Objects.requireNonNull(resource, "resource"), new StartState.Limit(soft, hard));
    return this;
  }

  /**
   * Limits what the program, and each of its children, may use of a resource, with a soft and a
   * hard limit that are the same.
   *
   * @param resource what is limited
   * @param most in the unit of the resource, or {@link ResourceLimit#UNLIMITED}
   * @return this builder
   * @throws IllegalArgumentException when it is negative
   */
  public ThreadProcBuilder limit(ResourceLimit resource, long most) {
    return limit(resource, most, most);
  }

  /**
   * Sets the processors that the program may run on. Without a call, or with no number, they are
   * the host's. Those that the machine does not have do not count; the launch fails (EINVAL) when
   * none is left.
   *
   * @param cpus numbers from 0, as in {@code /proc/cpuinfo}
   * @return this builder
   * @throws IllegalArgumentException when a number is not in 0 to 8191
   */
  public ThreadProcBuilder affinity(int... cpus) {
    for (int cpu : Objects.requireNonNull(cpus, "cpus")) {
      StartState.checkRange("processor", cpu, 0, StartState.CPU_COUNT_MAX - 1);
    }
    this.cpus = IntStream.of(cpus).boxed().collect(Collectors.toUnmodifiableSet());
    return this;
  }

  /**
   * Passes a descriptor on to the program, besides the standard streams. It stays the caller's, who
   * may close it when {@link #start()} has returned; the launch fails (EBADF) when it has been
   * closed before. A number that is given again gets the later descriptor.
   *
   * @param number the descriptor's number in the program: 3 or more, below the host's hard limit on
   *     open files
   * @param descriptor one of the host's, such as {@code FileOutputStream.getFD()}
   * @return this builder
   * @throws IllegalArgumentException when the number is below 3
   */
  public ThreadProcBuilder descriptor(int number, FileDescriptor descriptor) {
    Objects.requireNonNull(descriptor, "descriptor");
    StartState.checkRange("descriptor", number, StartState.FIRST_DESCRIPTOR, Integer.MAX_VALUE);
    descriptors.put(number, descriptor);
    return this;
  }

  /**
   * Sets whether the program leads a session and a process group of its own (setsid(2)): what a
   * terminal sends to the host's, such as ^C, does not reach it, and it has no terminal. Otherwise
   * it is in the host's. In both cases it runs on when its {@link ThreadProc} is forgotten, and
   * ends with its host, whose memory it shares.
   *
   * @param own false unless set
   * @return this builder
   */
  public ThreadProcBuilder session(boolean own) {
    this.session = own;
    return this;
  }

  /**
   * Starts the program. On return it is a process of its own.
   *
   * @return the running threadproc
   * @throws LaunchException when the program cannot be hosted; its message says which step failed,
   *     on what, and why
   * @throws IOException when a pipe or a redirect cannot be opened
   * @throws NullPointerException when an element of the command is null
   * @throws IllegalArgumentException when the command is empty
   * @throws IllegalStateException when the host is closed
   */
  public ThreadProc start() throws IOException {
    return starter.start(request());
  }

  /**
   * As {@link #prepare(int, Duration)}, without an age.
   *
   * @param count how many are to wait
   * @throws LaunchException when the program cannot be prepared
   * @throws IOException never by itself
   * @throws IllegalArgumentException when the count is negative
   * @throws IllegalStateException when the host is closed
   */
  public void prepare(int count) throws IOException {
    prepare(count, Duration.ZERO);
  }

  /**
   * Starts this builder's program ahead, as far as that goes without what only a start knows, and
   * keeps so many of them waiting. A start of the same program, by whatever builder or client of
   * the host, then takes one of them and gives it its arguments, environment, descriptors,
   * directory and the rest: it behaves as any other start, and is sooner. When something has
   * changed (a file of the program, a variable that its dynamic linker reads), or none waits, the
   * start is an ordinary one; {@link TprocHost#prepared()} counts them.
   *
   * <p>Returns when they wait. A program whose dynamic linker takes more than 10 seconds is given
   * up; until then {@link TprocHost#close()} waits for it, too. The arguments, redirects, umask and
   * the like of this builder are not looked at.
   *
   * @param count how many are to wait; 0 ends those of this program and environment
   * @param ageMax one that has waited so long is replaced; zero for never
   * @throws LaunchException when the program cannot be prepared; its message says which step
   *     failed, on what, and why
   * @throws IOException never by itself
   * @throws IllegalArgumentException when the count or the age is negative
   * @throws IllegalStateException when the host is closed
   */
  public void prepare(int count, Duration ageMax) throws IOException {
    checkPreparation(count, ageMax);
    starter.prepare(request(), count, ageMax);
  }

  /**
   * As {@link #prepareUntilReady(int, Duration, Duration)}, without an age, and with a minute for
   * each to become ready.
   *
   * @param count how many are to wait
   * @throws LaunchException when the program cannot be prepared
   * @throws IOException never by itself
   * @throws IllegalArgumentException when the count is negative
   * @throws IllegalStateException when the host is closed
   */
  public void prepareUntilReady(int count) throws IOException {
    prepareUntilReady(count, Duration.ZERO, Duration.ofMinutes(1));
  }

  /**
   * Starts this builder's command ahead and lets it run, with its arguments, environment and
   * directory, until it calls {@code tproc_ready} of libtproc (C, C++, Python, Rust): there it
   * waits for a start, having imported, loaded and computed what is the same for each. So many are
   * kept waiting. What they write meanwhile goes to this process's standard error; they have
   * nothing to read.
   *
   * <p>A start of the same program, named in the same way, that begins with the same arguments gets
   * one of them, with further arguments, its own environment, streams, directory and the rest. When
   * an argument of this builder names a file relative to the directory, the start has to be in the
   * same one. What does not fit is an ordinary start, in which {@code tproc_ready} returns at once.
   * {@code docs/prepared.md} says what of a program stays as it was while it waited.
   *
   * <p>Returns when they wait; until then {@link TprocHost#close()} waits, too.
   *
   * @param count how many are to wait; 0 ends those of this command, environment and directory
   * @param ageMax one that has waited so long is replaced; zero for never
   * @param timeout one that has not called {@code tproc_ready} after that is given up
   * @throws LaunchException when the program cannot be prepared, or ends, or is given up; its
   *     message says which
   * @throws IOException never by itself
   * @throws IllegalArgumentException when the count or the age is negative, or the time not
   *     positive
   * @throws IllegalStateException when the host is closed
   */
  public void prepareUntilReady(int count, Duration ageMax, Duration timeout) throws IOException {
    checkPreparation(count, ageMax);
    if (timeout.isNegative() || timeout.isZero()) {
      throw new IllegalArgumentException("no time to become ready: " + timeout);
    }
    starter.prepareUntilReady(request(), count, ageMax, timeout);
  }

  private static void checkPreparation(int count, Duration ageMax) {
    if (count < 0) {
      throw new IllegalArgumentException("a negative count: " + count);
    }
    if (ageMax.isNegative()) {
      throw new IllegalArgumentException("a negative age: " + ageMax);
    }
  }

  private LaunchRequest request() {
    return new LaunchRequest(
        settings.command(),
        settings.environment(),
        settings.directory(),
        settings.redirectInput(),
        settings.redirectOutput(),
        settings.redirectError(),
        settings.redirectErrorStream(),
        umask,
        crashReport,
        stay,
        neverForks,
        spill,
        heapLimit,
        new StartState(nice, limits, cpus, descriptors, session));
  }
}
