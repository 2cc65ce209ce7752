package io.tproc.share;

import io.tproc.spi.SharedMemory;
import java.time.Duration;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeoutException;

/**
 * A barrier for threads of this JVM and of programs, its parties ({@code struct tproc_barrier}):
 * they wait until all have arrived, again and again. Made by {@link SharedHeap#barrier}. The first
 * round waits for as many parties as there are to be.
 *
 * <p>A party that dies on its way breaks the round: all others are told, those that come later,
 * too. The next rounds go on without it, until another party takes its place. One that dies after
 * its arrival has arrived.
 *
 * <p>Virtual threads give their carrier free while they wait.
 */
public final class SharedBarrier {
  /**
   * Bytes of a barrier; the first four are the number of parties, 1 to {@link #PARTIES_MAX}, and
   * the others zero.
   */
  public static final int SIZE = 528;

  /** Most parties. */
  public static final int PARTIES_MAX = 64;

  // As enum tproc_barrier_state.
  private static final int PASSED = 0;
  private static final int LAST = 1;
  private static final int BROKEN = 2;
  private static final int GAVE_UP = 3;
  private static final int WAITS = 4;

  private static final int EVENT = 4;
  private static final int ALIGNMENT = 8;

  private final SharedMemory memory;
  private final long address;

  SharedBarrier(SharedMemory memory, long address) {
    memory.checkShared(address, SIZE);
    if (address % ALIGNMENT != 0) {
      throw new IllegalArgumentException("not aligned to 8: 0x" + Long.toHexString(address));
    }
    this.memory = memory;
    this.address = address;
  }

  /**
   * Becomes a party.
   *
   * @return the party, for one thread at a time; to be closed by the caller
   * @throws SharedMemoryException with EUSERS: there are as many parties already; EINVAL: the
   *     number of parties is none
   */
  public Party join() {
    return new Party(memory.joinBarrier(address));
  }

  /** A party of this JVM's. Not thread-safe. */
  public final class Party implements AutoCloseable {
    private final int place;
    private boolean closed;

    private Party(int place) {
      this.place = place;
    }

    /**
     * Arrives, and waits for the others.
     *
     * @return true to one of the parties, false to all others
     * @throws BrokenBarrierException when another party has died on its way, or has given up
     * @throws InterruptedException when the thread is interrupted while it waits; the round is
     *     broken. One that has passed by then has passed: the thread stays interrupted
     */
    public boolean await() throws InterruptedException, BrokenBarrierException {
      try {
        return await(Waiting.FOR_EVER);
      } catch (TimeoutException impossible) {
        throw new AssertionError(impossible);
      }
    }

    /**
     * Arrives, and waits for the others.
     *
     * @param timeout how long it may wait; then the round is broken
     * @return true to one of the parties, false to all others
     * @throws BrokenBarrierException when another party has died on its way, or has given up
     * @throws InterruptedException when the thread is interrupted while it waits; the round is
     *     broken. One that has passed by then has passed: the thread stays interrupted
     * @throws TimeoutException when the time is over
     */
    public boolean await(Duration timeout)
        throws InterruptedException, BrokenBarrierException, TimeoutException {
      return await(Waiting.deadline(timeout));
    }

    private boolean await(long deadline)
        throws InterruptedException, BrokenBarrierException, TimeoutException {
      if (closed) {
        throw new IllegalStateException("the party has left");
      }
      long round = memory.arriveAtBarrier(address, place);
      if (round < 0) {
        throw broken();
      }
      try {
        return outcome(awaitEnd((int) round, deadline));
      } catch (InterruptedException interrupted) {
        int state = memory.lookAtBarrier(address, (int) round, true);
        if (state != PASSED && state != LAST) {
          throw interrupted;
        }
        Thread.currentThread().interrupt(); // as of a CyclicBarrier: it is for what comes next
        return state == LAST;
      }
    }

    private int awaitEnd(int round, long deadline) throws InterruptedException {
      long event = address + EVENT;
      int state = memory.lookAtBarrier(address, round, false);
      while (state == WAITS) {
        long since = memory.begin();
        int key = memory.prepare(event);
        state = memory.lookAtBarrier(address, round, false);
        if (state == WAITS) {
          CompletableFuture<Void> changed = memory.changed(event, key, since);
          boolean inTime = Waiting.await(memory, event, changed, deadline);
          state = memory.lookAtBarrier(address, round, !inTime);
        }
      }
      return state;
    }

    private boolean outcome(int state) throws BrokenBarrierException, TimeoutException {
      return switch (state) {
        case PASSED -> false;
        case LAST -> true;
        case BROKEN -> throw broken();
        case GAVE_UP -> throw new TimeoutException("not all parties have arrived in time");
        default -> throw new AssertionError("state " + state);
      };
    }

    private BrokenBarrierException broken() {
      return new BrokenBarrierException("another party has died, or has given up");
    }

    /** Leaves: no round waits for this party any more. Calls after the first do nothing. */
    @Override
    public void close() {
      if (!closed) {
        closed = true;
        memory.leaveBarrier(address, place);
      }
    }
  }
}
