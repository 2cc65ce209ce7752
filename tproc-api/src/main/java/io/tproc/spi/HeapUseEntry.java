package io.tproc.spi;

import io.tproc.share.HeapUsage;
import io.tproc.share.HeapUsage.Owner;
import io.tproc.share.HeapUsage.Use;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Decodes a struct wire_heap_use. */
final class HeapUseEntry implements ListingEntries.Decoder<Use> {
  static final int FIXED_SIZE = 32;

  /** struct wire_heap, which comes before the list. */
  static final int HEAD_SIZE = 24;

  private static final int PID_AT = 4;
  private static final int OWNER_AT = 8;
  private static final int ENDED_AT = 12;
  private static final int BLOCKS_AT = 16;
  private static final int BYTES_AT = 24;

  /** Not of an older host's. */
  private static final int LIMIT_AT = 32;

  static HeapUsage read(ByteBuffer payload) throws ProtocolException {
    ByteBuffer rest = payload.slice().order(ByteOrder.nativeOrder());
    if (rest.remaining() < HEAD_SIZE) {
      throw new ProtocolException("the usage of a heap in " + rest.remaining() + " bytes");
    }
    return new HeapUsage(
        rest.getLong(),
        rest.getLong(),
        rest.getLong(),
        ListingEntries.read(rest, FIXED_SIZE, new HeapUseEntry()).items());
  }

  @Override
  public Use decode(ByteBuffer entry) throws ProtocolException {
    int owner = entry.getInt(OWNER_AT) - 1;
    if (owner < 0 || owner >= Owner.values().length) {
      throw new ProtocolException("an owner of a kind that is unknown: " + (owner + 1));
    }
    return new Use(
        Owner.values()[owner],
        entry.getInt(PID_AT),
        entry.getInt(ENDED_AT) != 0,
        entry.getLong(BLOCKS_AT),
        entry.getLong(BYTES_AT),
        entry.remaining() < LIMIT_AT + Long.BYTES ? 0 : entry.getLong(LIMIT_AT));
  }
}
