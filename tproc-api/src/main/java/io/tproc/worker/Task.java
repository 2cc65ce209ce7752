package io.tproc.worker;

import io.tproc.TprocHost;
import io.tproc.share.SharedBlock;
import io.tproc.share.SharedMemoryException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * A request that has been submitted, until its worker has done with it: it keeps the buffers that
 * the worker works on. Belongs to the pool's queue, or to an instance, or to the thread that passes
 * it from one to the other.
 */
final class Task {
  private final long id;
  private final WorkerRequest request;
  private final @Nullable SharedBlock envelope;
  private final ByteBuffer message;
  private final CompletableFuture<WorkerResponse> future = new CompletableFuture<>();
  private @Nullable SharedBlock block;
  private @Nullable Future<?> timer;
  private byte[] part = new byte[0];

  /** Whether it may be in the queue. */
  volatile boolean waits;

  /** Whether a thread that calls receives its answer. Written with its instance's lock held. */
  volatile boolean isCall;

  /** Whether its worker is killed for it. */
  volatile boolean isTimedOut;

  /** Why it could not be sent. */
  @Nullable Throwable refusal;

  /** The request's block is its user's until {@link #accept}. */
  Task(TprocHost host, long id, WorkerRequest request) {
    this.id = id;
    this.request = request;
    byte[] data = request.data();
    if (request.buffers().isEmpty() && data.length <= Wire.INLINE_MAX) {
      envelope = null;
      message = Wire.request(id, data);
    } else {
      int buffers = request.buffers().size();
      SharedBlock filled = fill(host, request.buffers(), data);
      envelope = filled;
      message = Wire.request(id, data.length, buffers, filled.address());
    }
  }

  /** Takes the request's block over. */
  void accept() {
    block = request.block().map(SharedBlock::handOver).orElse(null);
  }

  private static SharedBlock fill(TprocHost host, List<WorkerRequest.Memory> buffers, byte[] data) {
    int at = Wire.BUFFER_SIZE * buffers.size();
    SharedBlock envelope = host.heap().allocate((long) at + data.length);
    try {
      ByteBuffer contents = envelope.buffer();
      for (WorkerRequest.Memory each : buffers) {
        contents.putLong(host.addressOf(each.start())).putLong(each.size());
      }
      contents.put(data);
      return envelope;
    } catch (Throwable failed) {
      envelope.close();
      throw failed;
    }
  }

  long id() {
    return id;
  }

  CompletableFuture<WorkerResponse> future() {
    return future;
  }

  ByteBuffer message() {
    return message;
  }

  /** What goes with the message; null when there is none, or a worker has it. */
  @Nullable SharedBlock block() {
    return block;
  }

  /** A worker has it, or has not had it. */
  void setBlock(@Nullable SharedBlock now) {
    block = now;
  }

  @Nullable Duration limit(@Nullable Duration usual) {
    return request.limit() != null ? request.limit() : usual;
  }

  void setTimer(Future<?> newTimer) {
    timer = newTimer;
  }

  void stopTimer() {
    Future<?> set = timer;
    if (set != null) {
      set.cancel(false);
      timer = null;
    }
  }

  void setPart(byte[] bytes) {
    part = bytes;
  }

  byte[] part() {
    return part;
  }

  /** The worker has answered. */
  void complete(WorkerResponse response) {
    release();
    if (!future.complete(response)) {
      response.block().ifPresent(Task::closeQuietly);
    }
  }

  /** No worker has it any more. */
  void fail(Throwable why) {
    release();
    future.completeExceptionally(Objects.requireNonNull(why));
  }

  /** Gives back what it has, but the buffers, which go with this object. */
  void release() {
    stopTimer();
    closeQuietly(envelope);
    closeQuietly(block);
    block = null;
  }

  /** The host may be closed, and a program may have freed what is not its own. */
  static void closeQuietly(@Nullable SharedBlock block) {
    try {
      if (block != null) {
        block.close();
      }
    } catch (SharedMemoryException | IllegalStateException gone) {
      // as it was to be
    }
  }
}
