package io.tproc.spi;

import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/** What the payloads have in common: two counts, then entries that each begin with their size. */
final class ListingEntries {
  private static final int ALIGNMENT = 8;
  private static final int COUNTS_SIZE = 2 * Integer.BYTES;

  /** Decodes one entry, which is the whole buffer. */
  interface Decoder<T> {
    T decode(ByteBuffer entry) throws ProtocolException;
  }

  private ListingEntries() {}

  /**
   * Decodes a whole payload.
   *
   * @param fixedSize bytes of an entry without its text
   */
  static <T> Listing<T> read(ByteBuffer payload, int fixedSize, Decoder<T> decoder)
      throws ProtocolException {
    ByteBuffer rest = payload.slice().order(ByteOrder.nativeOrder());
    if (rest.remaining() < COUNTS_SIZE) {
      throw new ProtocolException("a list of " + rest.remaining() + " bytes");
    }
    long total = Integer.toUnsignedLong(rest.getInt());
    long count = Integer.toUnsignedLong(rest.getInt());
    List<T> items = new ArrayList<>();
    while (rest.hasRemaining()) {
      items.add(decoder.decode(next(rest, fixedSize)));
    }
    if (count != items.size() || total < count) {
      throw new ProtocolException(
          "a list of %d entries that says it has %d of %d".formatted(items.size(), count, total));
    }
    return new Listing<>(total, items);
  }

  private static ByteBuffer next(ByteBuffer rest, int fixedSize) throws ProtocolException {
    if (rest.remaining() < fixedSize) {
      throw new ProtocolException("a list that ends in the middle of an entry");
    }
    int size = rest.getInt(rest.position());
    if (size < fixedSize || size > rest.remaining() || size % ALIGNMENT != 0) {
      throw new ProtocolException(
          "an entry of " + Integer.toUnsignedString(size) + " bytes in a list");
    }
    ByteBuffer entry = rest.slice(rest.position(), size).order(rest.order());
    rest.position(rest.position() + size);
    return entry;
  }

  /** The text that follows the fixed part of an entry. */
  static byte[] text(ByteBuffer entry, int fixedSize, int size) throws ProtocolException {
    if (size < 0 || size > entry.capacity() - fixedSize) {
      throw new ProtocolException(
          "a text of " + Integer.toUnsignedString(size) + " bytes, larger than its entry");
    }
    byte[] bytes = new byte[size];
    entry.get(fixedSize, bytes);
    return bytes;
  }
}
