package io.tproc.share;

import java.nio.ByteBuffer;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What a {@link Channel} has delivered. */
public final class ChannelMessage {
  private final ByteBuffer data;
  private final @Nullable SharedBlock block;

  ChannelMessage(ByteBuffer data, @Nullable SharedBlock block) {
    this.data = data;
    this.block = block;
  }

  /**
   * The bytes that lay in the message itself.
   *
   * @return a new buffer over them, in native byte order; its contents are this message's own
   */
  public ByteBuffer data() {
    return data.duplicate().order(data.order());
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
