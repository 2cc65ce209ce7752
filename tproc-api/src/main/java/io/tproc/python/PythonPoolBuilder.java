package io.tproc.python;

import io.tproc.ThreadProcBuilder;
import io.tproc.TprocHost;
import io.tproc.spi.CalleeSupport;
import io.tproc.worker.WorkerPoolBuilder;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * Prepares and opens pools of Python's interpreters. Made by {@link TprocHost#python(String)}.
 *
 * <p>One builder can open several; what is changed later does not touch those that are open. Not
 * thread-safe.
 */
public final class PythonPoolBuilder {
  /** Says where Python's package is, and then what {@code main} is given. */
  private static final String BEGINNING =
      "import sys; sys.path.insert(0, sys.argv[1]); import tproc.calls; tproc.calls.main(sys.argv[2:])";

  private static final Duration QUESTION_LIMIT = Duration.ofMinutes(1);

  private final TprocHost host;
  private final CalleeSupport support;
  private final String program;
  private final List<Path> path = new ArrayList<>();
  private final List<Consumer<ThreadProcBuilder>> changes = new ArrayList<>();
  private final List<Consumer<WorkerPoolBuilder>> poolChanges = new ArrayList<>();
  private int count = 1;

  /**
   * For providers; users get one from {@link TprocHost#python(String)}.
   *
   * @param host that the interpreters belong to
   * @param support of the host's provider
   * @param program name or path of a Python
   */
  public PythonPoolBuilder(TprocHost host, CalleeSupport support, String program) {
    this.host = Objects.requireNonNull(host, "host");
    this.support = Objects.requireNonNull(support, "support");
    this.program = Objects.requireNonNull(program, "program");
  }

  /**
   * Sets how many interpreters there are: so many calls run at a time.
   *
   * @param newCount 1 to 256; 1 unless set
   * @return this builder
   * @throws IllegalArgumentException when it is out of range
   */
  public PythonPoolBuilder count(int newCount) {
    var unused = host.workers(program).count(newCount); // which says what it may be
    count = newCount;
    return this;
  }

  /**
   * Adds a directory, or a zip file, where modules are looked for: after those that were added
   * before, and before all that Python has itself.
   *
   * @param place a path of the default file system
   * @return this builder
   */
  public PythonPoolBuilder path(Path place) {
    Objects.requireNonNull(place, "place");
    path.add(place.toAbsolutePath());
    return this;
  }

  /**
   * Sets a time limit for every call, as {@link PythonFunction#within} does for one function.
   *
   * @param limit more than zero
   * @return this builder
   * @throws IllegalArgumentException when it is not positive
   */
  public PythonPoolBuilder callLimit(Duration limit) {
    Objects.requireNonNull(limit, "limit");
    var unused = host.workers(program).requestLimit(limit); // which says what it may be
    return pool(builder -> builder.requestLimit(limit));
  }

  /**
   * Changes how interpreters are started: environment, directory, redirects, umask. They have the
   * host's standard streams unless changed.
   *
   * @param change as {@link WorkerPoolBuilder#program} takes it; it is also called once by {@link
   *     #open}, which asks the Python what it is, with the environment and the directory that it
   *     will have
   * @return this builder
   */
  public PythonPoolBuilder program(Consumer<ThreadProcBuilder> change) {
    changes.add(Objects.requireNonNull(change, "change"));
    return this;
  }

  /**
   * Changes what else a pool can be told: how many calls wait, limits of starting and closing, when
   * an interpreter that has ended is started again.
   *
   * @param change is called by {@link #open}, after the changes that were given before; the number
   *     of workers is this builder's
   * @return this builder
   */
  public PythonPoolBuilder pool(Consumer<WorkerPoolBuilder> change) {
    poolChanges.add(Objects.requireNonNull(change, "change"));
    return this;
  }

  /**
   * Asks the Python what it is, starts its interpreters, and waits until all of them serve.
   *
   * @return the pool, to be closed by the caller
   * @throws PythonStartException when there is no such Python, it is none, or too old; and when it
   *     is for fixed addresses, several interpreters are wanted, and its shared library is missing
   * @throws io.tproc.worker.WorkerStartException when an interpreter ended before it served, or
   *     does not serve in time; what Python says of it is on its standard error. Nothing is left
   *     behind
   * @throws IOException when a program cannot be started; nothing is left behind
   * @throws io.tproc.share.SharedMemoryException when there is no shared heap, or no room in it
   * @throws InterruptedException when the thread is interrupted while it waits; nothing is left
   *     behind
   * @throws IllegalStateException when the host is closed
   */
  public PythonPool open() throws IOException, InterruptedException {
    Interpreter interpreter = interpreter();
    List<String> command = command(interpreter);
    command.addAll(List.of("-c", BEGINNING, unpackedPackage().toString()));
    path.forEach(place -> command.add(place.toString()));
    return new PythonPool(workers(interpreter, command).open(), interpreter);
  }

  /**
   * Asks the Python what it is, and prepares a pool of programs that it runs: scripts that call
   * {@code tproc.serve} or {@code tproc.arrow.serve}. The module {@code tproc} is there for them,
   * and there can be several also of a Python that is for fixed addresses. What was set here is set
   * there.
   *
   * @param arguments what would follow {@code python3} in a shell: a script and its arguments
   * @return to be changed further and opened by the caller, also by a module on top of workers. The
   *     number of workers is not to be changed
   * @throws PythonStartException as {@link #open}
   * @throws IOException when the package {@code tproc} cannot be unpacked
   * @throws InterruptedException when the thread is interrupted while it waits
   * @throws IllegalStateException when the host is closed
   */
  public WorkerPoolBuilder workers(String... arguments) throws IOException, InterruptedException {
    Objects.requireNonNull(arguments, "arguments");
    Interpreter interpreter = interpreter();
    List<String> command = command(interpreter);
    command.addAll(List.of(arguments));
    List<String> places = new ArrayList<>(List.of(unpackedPackage().toString()));
    path.forEach(place -> places.add(place.toString()));
    String joined = String.join(":", places);
    return workers(interpreter, command)
        .program(
            started ->
                started
                    .environment()
                    .merge("PYTHONPATH", joined, (there, ours) -> ours + ":" + there));
  }

  private Interpreter interpreter() throws IOException, InterruptedException {
    ThreadProcBuilder settings = host.command(program);
    changes.forEach(change -> change.accept(settings));
    return Interpreter.ask(program, settings, QUESTION_LIMIT);
  }

  private WorkerPoolBuilder workers(Interpreter interpreter, List<String> command)
      throws IOException {
    String libtproc = support.libtproc().toString();
    WorkerPoolBuilder workers =
        host.workers(command.toArray(String[]::new))
            .name(interpreter.executable().toString())
            .program(started -> started.environment().putIfAbsent("TPROC_LIBRARY", libtproc));
    changes.forEach(workers::program);
    poolChanges.forEach(change -> change.accept(workers));
    return workers.count(count);
  }

  private List<String> command(Interpreter interpreter) throws IOException {
    List<String> command = new ArrayList<>();
    if (!interpreter.isAnywhere()) {
      command.addAll(anywhere(interpreter));
    }
    command.add(interpreter.executable().toString());
    return command;
  }

  private Path unpackedPackage() throws IOException {
    return support.unpacked(PythonPackage.NAME, PythonPackage.zip());
  }

  /** What a Python for fixed addresses is started by, so that there can be several. */
  private List<String> anywhere(Interpreter interpreter) throws IOException {
    if (interpreter.library().isPresent()) {
      String library = interpreter.library().orElseThrow().toString();
      String callee = support.callee().toString();
      return List.of(callee, CalleeSupport.CALLEE_VERSION, "main", library, "Py_BytesMain");
    }
    if (count == 1) {
      return List.of();
    }
    throw new PythonStartException(
        "cannot start %d interpreters of %s: it is a program for fixed addresses, of which a host runs one at a time,"
                .formatted(count, interpreter)
            + " and its shared library is missing; Debian's package libpython3.N has it",
        null);
  }
}
