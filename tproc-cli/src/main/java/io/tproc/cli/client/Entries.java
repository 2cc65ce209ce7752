package io.tproc.cli.client;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * A LISTED's or a MAPPED's payload: two counts, and then entries that each begin with their size.
 *
 * @param total how many there are at the host
 * @param entries those that are here, each from its first byte to its last
 */
record Entries(int total, List<ByteBuffer> entries) {
  private static final int ALIGNMENT = 8;
  private static final int COUNTS_SIZE = 2 * Integer.BYTES;

  /**
   * Takes a payload apart.
   *
   * @param smallest bytes of an entry without what it carries
   */
  static Entries of(ByteBuffer payload, int smallest) throws ProtocolException {
    ByteBuffer rest = payload.slice().order(payload.order());
    if (rest.remaining() < COUNTS_SIZE) {
      throw new ProtocolException("a list of " + rest.remaining() + " bytes");
    }
    int total = rest.getInt();
    int count = rest.getInt();
    List<ByteBuffer> entries = new ArrayList<>();
    while (rest.hasRemaining()) {
      if (rest.remaining() < smallest) {
        throw new ProtocolException("a list that ends in the middle of an entry");
      }
      int size = rest.getInt(rest.position());
      if (size < smallest || size > rest.remaining() || size % ALIGNMENT != 0) {
        throw new ProtocolException(
            "an entry of " + Integer.toUnsignedString(size) + " bytes in a list");
      }
      entries.add(rest.slice(rest.position(), size).order(payload.order()));
      rest.position(rest.position() + size);
    }
    if (count != entries.size() || total < count) {
      throw new ProtocolException(
          "a list of %d entries that says it has %d of %d"
              .formatted(
                  entries.size(), Integer.toUnsignedLong(count), Integer.toUnsignedLong(total)));
    }
    return new Entries(total, entries);
  }

  /** The bytes behind the fixed part of an entry. */
  static byte[] bytes(ByteBuffer entry, int at, int size) throws ProtocolException {
    if (size < 0 || size > entry.capacity() - at) {
      throw new ProtocolException(
          "a text of " + Integer.toUnsignedString(size) + " bytes, larger than its entry");
    }
    byte[] bytes = new byte[size];
    entry.get(at, bytes);
    return bytes;
  }
}
