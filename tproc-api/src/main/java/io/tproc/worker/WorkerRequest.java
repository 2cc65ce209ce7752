package io.tproc.worker;

import io.tproc.share.SharedBlock;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a worker is asked: bytes, which are copied; buffers, which it works on in place; and a block
 * of the shared heap, which becomes the worker's. Immutable, and thread-safe.
 *
 * <p>On Java 22 and later there is also {@code WorkerRequest withSegment(MemorySegment)}, as {@link
 * #withBuffer} for native segments of any size.
 */
public final class WorkerRequest extends PlatformRequest {
  /**
   * Memory that the worker works on, and the object that was given: a slice keeps only what that
   * was sliced from itself.
   */
  record Memory(ByteBuffer start, long size, Object keeper) {}

  /** The last of the buffers, and those before it, which requests share: none copies a list. */
  private static final class Buffers {
    private final @Nullable Buffers before;
    private final Memory last;
    private final int count;

    Buffers(@Nullable Buffers before, Memory last) {
      this.before = before;
      this.last = last;
      this.count = Math.addExact(count(before), 1);
    }

    static int count(@Nullable Buffers buffers) {
      return buffers == null ? 0 : buffers.count;
    }

    static List<Memory> inOrder(@Nullable Buffers buffers) {
      Memory[] all = new Memory[count(buffers)];
      for (Buffers each = buffers; each != null; each = each.before) {
        all[each.count - 1] = each.last;
      }
      return List.of(all);
    }
  }

  private final byte[] data;
  private final @Nullable Buffers buffers;
  private final @Nullable SharedBlock block;
  private final @Nullable Duration limit;

  private WorkerRequest(
      byte[] data,
      @Nullable Buffers buffers,
      @Nullable SharedBlock block,
      @Nullable Duration limit) {
    this.data = data;
    this.buffers = buffers;
    this.block = block;
    this.limit = limit;
  }

  /**
   * A request without bytes of its own.
   *
   * @return the request
   */
  public static WorkerRequest empty() {
    return new WorkerRequest(new byte[0], null, null, null);
  }

  /**
   * A request of bytes.
   *
   * @param data from its position to its limit; they are copied. Up to 24 bytes pass in the message
   *     itself, more by way of the shared heap
   * @return the request
   */
  public static WorkerRequest of(ByteBuffer data) {
    Objects.requireNonNull(data, "data");
    byte[] copy = new byte[data.remaining()];
    data.get(data.position(), copy);
    return new WorkerRequest(copy, null, null, null);
  }

  /**
   * A request of text.
   *
   * @param text is passed in UTF-8
   * @return the request
   */
  public static WorkerRequest of(String text) {
    Objects.requireNonNull(text, "text");
    return new WorkerRequest(text.getBytes(StandardCharsets.UTF_8), null, null, null);
  }

  /**
   * The same with one more buffer, which the worker reads and writes in place. It is kept reachable
   * until the worker has done with it, also when the future has been cancelled.
   *
   * @param buffer a direct buffer, from its position to its limit. A read-only one is so for Java
   *     alone
   * @return a new request
   * @throws IllegalArgumentException when the buffer is not direct
   */
  public WorkerRequest withBuffer(ByteBuffer buffer) {
    Objects.requireNonNull(buffer, "buffer");
    if (!buffer.isDirect()) {
      throw new IllegalArgumentException("not a direct buffer: " + buffer);
    }
    return withMemory(new Memory(buffer.slice(), buffer.remaining(), buffer));
  }

  @Override
  WorkerRequest withMemory(Memory memory) {
    return new WorkerRequest(data, new Buffers(buffers, memory), block, limit);
  }

  /**
   * The same with a block of the shared heap, which is the worker's when it gets the request. Once
   * the request is submitted, the block's object is as one that is closed; such a request can be
   * submitted once.
   *
   * @param newBlock instead of one that it had before
   * @return a new request
   */
  public WorkerRequest withBlock(SharedBlock newBlock) {
    return new WorkerRequest(data, buffers, Objects.requireNonNull(newBlock, "newBlock"), limit);
  }

  /**
   * The same with a time limit, instead of the pool's. It begins when a worker is given the
   * request.
   *
   * @param newLimit more than zero
   * @return a new request
   * @throws IllegalArgumentException when the limit is not positive
   */
  public WorkerRequest within(Duration newLimit) {
    Objects.requireNonNull(newLimit, "newLimit");
    return new WorkerRequest(data, buffers, block, Limits.positive("limit", newLimit));
  }

  byte[] data() {
    return data;
  }

  List<Memory> buffers() {
    return Buffers.inOrder(buffers);
  }

  Optional<SharedBlock> block() {
    return Optional.ofNullable(block);
  }

  @Nullable Duration limit() {
    return limit;
  }

  @Override
  public String toString() {
    return "WorkerRequest["
        + data.length
        + " bytes, "
        + Buffers.count(buffers)
        + " buffers"
        + (block == null ? "]" : ", a block]");
  }
}
