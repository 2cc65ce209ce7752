package io.tproc.share;

import io.tproc.Errno;
import io.tproc.spi.Printable;
import io.tproc.spi.SharedMemory;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What is shared, by name, for this host and its programs. Made by {@link
 * io.tproc.TprocHost#registry()}; {@code tproc_publish} is the programs' side. A name is that of
 * one living publication, or of none.
 *
 * <p>All methods are thread-safe, and none but {@link #await} waits. They throw {@link
 * IllegalStateException} when the host is closed, and {@link SharedMemoryException} with ENOTSUP
 * where the machine allowed the host no shared memory.
 */
public final class Registry {
  /** Most bytes of a name, in UTF-8. */
  public static final int NAME_MAX = 95;

  /** Most bytes of a type, in UTF-8. */
  public static final int TYPE_MAX = 47;

  private final SharedMemory memory;

  /**
   * For providers.
   *
   * @param memory the host's
   */
  public Registry(SharedMemory memory) {
    this.memory = Objects.requireNonNull(memory, "memory");
  }

  /**
   * Publishes memory until {@link #withdraw}, or until the host is closed. One of this name whose
   * process has ended makes room.
   *
   * @param name 1 to 95 bytes
   * @param type what lies there, up to 47 bytes; may be empty
   * @param address where it lies
   * @param size bytes
   * @param version the publisher's own
   * @return what has been published
   * @throws SharedMemoryException with EEXIST: a living publication has the name; ENOSPC: there are
   *     4096 publications
   * @throws IllegalArgumentException when a text is too long, or has a NUL, or the name is empty
   */
  public Registration publish(String name, String type, long address, long size, int version) {
    return memory.publish(named(name), bytes(type, "type", TYPE_MAX), address, size, version);
  }

  /**
   * Publishes a block, as version 0. The block must stay as long as others may use it.
   *
   * @param name 1 to 95 bytes
   * @param type what lies there, up to 47 bytes; may be empty
   * @param block what is published
   * @return what has been published
   * @throws SharedMemoryException as {@link #publish(String, String, long, long, int)}
   */
  public Registration publish(String name, String type, SharedBlock block) {
    return publish(name, type, block.address(), block.size(), 0);
  }

  /**
   * Finds a living publication, or else one that is kept although its process has ended ({@link
   * Registration#ended}).
   *
   * @param name 1 to 95 bytes
   * @return empty when there is none
   */
  public Optional<Registration> lookup(String name) {
    return memory.lookup(named(name));
  }

  /**
   * Waits for a living publication of a name.
   *
   * @param name 1 to 95 bytes
   * @param type what it has to be
   * @param timeout how long it may wait
   * @return the publication
   * @throws TimeoutException when the time is over
   * @throws InterruptedException when the thread is interrupted while it waits
   * @throws SharedMemoryException when it is of another type, as EPROTOTYPE
   */
  public Registration await(String name, String type, Duration timeout)
      throws InterruptedException, TimeoutException {
    Objects.requireNonNull(type, "type");
    Optional<Registration> there = living(named(name)); // is found in no time, too
    Registration found = there.isPresent() ? there.get() : awaitLiving(name, timeout);
    if (!found.type().equals(type)) {
      throw new SharedMemoryException(
          Errno.EPROTOTYPE, name + " is a " + found.type() + ", not a " + type + " (EPROTOTYPE)");
    }
    return found;
  }

  private Registration awaitLiving(String name, Duration timeout)
      throws InterruptedException, TimeoutException {
    CompletableFuture<Registration> published = whenPublished(name);
    try {
      long nanos = Waiting.deadline(timeout) - System.nanoTime();
      return published.get(nanos, TimeUnit.NANOSECONDS);
    } catch (TimeoutException passed) {
      throw new TimeoutException("no process has published " + Printable.text(name));
    } catch (ExecutionException failed) {
      throw new IllegalStateException("the host is closed", failed);
    } finally {
      published.cancel(false);
    }
  }

  private Optional<Registration> living(byte[] name) {
    return memory.lookup(name).filter(found -> found.ended().isEmpty());
  }

  /**
   * A living publication of a name, as soon as there is one.
   *
   * @param name 1 to 95 bytes
   * @return completes with it; exceptionally with IllegalStateException when the host is closed.
   *     May be cancelled
   */
  public CompletableFuture<Registration> whenPublished(String name) {
    byte[] wanted = named(name);
    return when(() -> living(wanted).orElse(null));
  }

  /**
   * The end of a publication: it was withdrawn, or its process has ended.
   *
   * @param publication which
   * @return completes with what is kept of it, which says how its process ended, or else with the
   *     publication as it was; exceptionally with IllegalStateException when the host is closed.
   *     May be cancelled
   */
  public CompletableFuture<Registration> whenEnded(Registration publication) {
    Objects.requireNonNull(publication, "publication");
    return when(
        () -> {
          Registration now = memory.registered(publication.id()).orElse(publication);
          boolean gone = now == publication || now.ended().isPresent();
          return gone ? now : null;
        });
  }

  /**
   * All publications, those that have ended and are kept included.
   *
   * @return an unmodifiable snapshot, in no order
   */
  public List<Registration> registrations() {
    return List.copyOf(memory.registry());
  }

  /**
   * Takes a publication back, of any process.
   *
   * @param publication which
   * @return false when it is no more
   */
  public boolean withdraw(Registration publication) {
    return memory.withdraw(publication.id());
  }

  private <T> CompletableFuture<T> when(Supplier<@Nullable T> condition) {
    Watch<T> watch = new Watch<>(memory, condition);
    watch.look();
    return watch.result;
  }

  /** A name with a NUL at the end. */
  static byte[] named(String name) {
    if (name.isEmpty()) {
      throw new IllegalArgumentException("an empty name");
    }
    return bytes(name, "name", NAME_MAX);
  }

  /** A type with a NUL at the end. */
  static byte[] typed(String type) {
    return bytes(Objects.requireNonNull(type, "type"), "type", TYPE_MAX);
  }

  private static byte[] bytes(String text, String what, int most) {
    byte[] bytes = (text + '\0').getBytes(StandardCharsets.UTF_8);
    if (bytes.length > most + 1) {
      throw new IllegalArgumentException("a " + what + " of more than " + most + " bytes: " + text);
    }
    if (text.indexOf('\0') >= 0) {
      throw new IllegalArgumentException("a " + what + " with a NUL");
    }
    return bytes;
  }
}
