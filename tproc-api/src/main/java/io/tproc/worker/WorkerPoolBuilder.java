package io.tproc.worker;

import io.tproc.ThreadProcBuilder;
import io.tproc.TprocHost;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Prepares and opens pools of workers. Made by {@link TprocHost#workers(String...)}.
 *
 * <p>One builder can open several; what is changed later does not touch those that are open. Not
 * thread-safe.
 */
public final class WorkerPoolBuilder {
  private static final int COUNT_MAX = 256;
  private static final int IN_FLIGHT_MAX = 1024;

  private final TprocHost host;
  private final List<String> command;
  private final List<Consumer<ThreadProcBuilder>> changes = new ArrayList<>();
  private String name;
  private int count = 1;
  private int inFlight = 1;
  private int queue = 256;
  private @Nullable Duration requestLimit;
  private Duration startLimit = Duration.ofMinutes(1);
  private Duration closeLimit = Duration.ofSeconds(30);
  private BackOff.Policy restarts = policy(Duration.ofMillis(100), Duration.ofSeconds(10), 10);

  /**
   * For hosts; users get one from {@link TprocHost#workers(String...)}.
   *
   * @param host that the workers belong to
   * @param command the program and its arguments
   * @throws IllegalArgumentException when the command is empty
   */
  public WorkerPoolBuilder(TprocHost host, List<String> command) {
    Objects.requireNonNull(command, "command");
    this.host = Objects.requireNonNull(host, "host");
    this.command = List.copyOf(command);
    if (command.isEmpty()) {
      throw new IllegalArgumentException("no program");
    }
    this.name = command.get(0);
  }

  /**
   * Sets what messages call the workers.
   *
   * @param newName the program unless set
   * @return this builder
   */
  public WorkerPoolBuilder name(String newName) {
    name = Objects.requireNonNull(newName, "newName");
    return this;
  }

  /**
   * Sets how many workers there are.
   *
   * @param newCount 1 to 256; 1 unless set
   * @return this builder
   * @throws IllegalArgumentException when it is out of range
   */
  public WorkerPoolBuilder count(int newCount) {
    count = Limits.positive("a number of workers", newCount, COUNT_MAX);
    return this;
  }

  /**
   * Changes how the program is started: environment, directory, redirects, umask. It has the host's
   * standard streams unless changed; a stream that is made a pipe has to be read, from {@link
   * WorkerPool#workers()}.
   *
   * @param change is called before each start of a worker, on a thread of the pool's, and on
   *     several at a time, after the changes that were given before. It does not start the builder
   *     that it is given
   * @return this builder
   */
  public WorkerPoolBuilder program(Consumer<ThreadProcBuilder> change) {
    changes.add(Objects.requireNonNull(change, "change"));
    return this;
  }

  /**
   * Sets how many requests a worker may have at a time: the one that it works on, and those that
   * wait in its channel, so that it need not wait for the next; or as many as its threads work on.
   *
   * @param requests 1 to 1024; 1 unless set
   * @return this builder
   * @throws IllegalArgumentException when it is out of range
   */
  public WorkerPoolBuilder inFlight(int requests) {
    inFlight = Limits.positive("a number of requests in flight", requests, IN_FLIGHT_MAX);
    return this;
  }

  /**
   * Sets how many requests may wait for a worker. When there are so many, {@link WorkerPool#submit}
   * waits, and {@link WorkerPool#trySubmit(WorkerRequest)} refuses.
   *
   * @param requests not negative; 256 unless set. With 0 a request is accepted only when a worker
   *     can have it at once
   * @return this builder
   * @throws IllegalArgumentException when it is negative
   */
  public WorkerPoolBuilder queue(int requests) {
    if (requests < 0) {
      throw new IllegalArgumentException("a negative queue: " + requests);
    }
    queue = requests;
    return this;
  }

  /**
   * Sets a time limit for every request, as {@link WorkerRequest#within} does for one.
   *
   * @param limit more than zero
   * @return this builder
   * @throws IllegalArgumentException when it is not positive
   */
  public WorkerPoolBuilder requestLimit(Duration limit) {
    Objects.requireNonNull(limit, "limit");
    requestLimit = Limits.positive("a limit of a request", limit);
    return this;
  }

  /**
   * Sets how long a program may take from its start until it serves. One that takes longer is
   * killed, and counts as a start in vain.
   *
   * @param limit more than zero; a minute unless set
   * @return this builder
   * @throws IllegalArgumentException when it is not positive
   */
  public WorkerPoolBuilder startLimit(Duration limit) {
    Objects.requireNonNull(limit, "limit");
    startLimit = Limits.positive("a limit of a start", limit);
    return this;
  }

  /**
   * Sets how long {@link WorkerPool#close()} waits for requests under way, and then for the
   * programs to end by themselves, before it kills them.
   *
   * @param limit not negative; 30 seconds unless set
   * @return this builder
   * @throws IllegalArgumentException when it is negative
   */
  public WorkerPoolBuilder closeLimit(Duration limit) {
    Objects.requireNonNull(limit, "limit");
    closeLimit = Limits.notNegative("a limit of closing", limit);
    return this;
  }

  /**
   * Sets when a worker that has ended is started again. One that had answered a request, or had
   * served for a minute, is at once. Otherwise its start was in vain, as when the program cannot be
   * started or does not serve: then there is a pause, which doubles each time. After so many starts
   * in vain one after the other a worker is given up, and with the last one the pool: requests that
   * wait fail with {@link WorkerStartException}, and no more are accepted.
   *
   * @param first the first pause, not negative; 0.1 s unless set
   * @param longest the longest pause; 10 s unless set
   * @param attempts how many starts in vain, at least 1; 10 unless set. With 1 a worker that ends
   *     without having answered is not replaced
   * @return this builder
   * @throws IllegalArgumentException when one is out of range
   */
  public WorkerPoolBuilder restarts(Duration first, Duration longest, int attempts) {
    Objects.requireNonNull(first, "first");
    Objects.requireNonNull(longest, "longest");
    restarts =
        policy(
            Limits.notNegative("a first pause", first),
            Limits.notNegative("a longest pause", longest),
            Limits.positive("a number of attempts", attempts, Integer.MAX_VALUE));
    return this;
  }

  private static BackOff.Policy policy(Duration first, Duration longest, int attempts) {
    return new BackOff.Policy(Limits.nanos(first), Limits.nanos(longest), attempts);
  }

  /**
   * Starts the workers, and waits until all of them serve.
   *
   * @return the pool, to be closed by the caller
   * @throws WorkerStartException when a worker ended before it served, or does not serve in time;
   *     nothing is left behind
   * @throws IOException when a program cannot be started; nothing is left behind
   * @throws io.tproc.share.SharedMemoryException when there is no shared heap, or no room in it
   * @throws InterruptedException when the thread is interrupted while it waits; nothing is left
   *     behind
   * @throws IllegalStateException when the host is closed
   */
  public WorkerPool open() throws IOException, InterruptedException {
    return WorkerPool.open(
        new Options(
            host,
            name,
            command,
            List.copyOf(changes),
            count,
            inFlight,
            queue,
            requestLimit,
            startLimit,
            closeLimit,
            restarts));
  }
}
