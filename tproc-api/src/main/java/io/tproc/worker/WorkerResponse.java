package io.tproc.worker;

import io.tproc.share.SharedBlock;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What a worker has answered. */
public final class WorkerResponse {
  private final byte[] data;
  private final @Nullable SharedBlock block;

  WorkerResponse(byte[] data, @Nullable SharedBlock block) {
    this.data = data;
    this.block = block;
  }

  /**
   * The bytes of the response itself.
   *
   * @return a new buffer over them, in native byte order; its contents are this response's own
   */
  public ByteBuffer data() {
    return ByteBuffer.wrap(data).order(ByteOrder.nativeOrder());
  }

  /**
   * The block that came with it, and is this JVM's now.
   *
   * @return the block, to be closed or given away by the caller; empty when none was sent
   */
  public Optional<SharedBlock> block() {
    return Optional.ofNullable(block);
  }
}
