package io.tproc.spi;

import io.tproc.MemoryMapping;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.charset.Charset;

/**
 * Decodes a struct wire_mapping with its name.
 *
 * @param charset of the name
 */
record MappingEntry(Charset charset) implements ListingEntries.Decoder<MemoryMapping> {
  static final int FIXED_SIZE = 32;

  private static final int PROTECTION_AT = 4;
  private static final int NAME_SIZE_AT = 8;
  private static final int ADDRESS_AT = 16;
  private static final int LENGTH_AT = 24;
  private static final int READABLE = 1;
  private static final int WRITABLE = 2;
  private static final int EXECUTABLE = 4;
  private static final int SHARED = 8;

  @Override
  public MemoryMapping decode(ByteBuffer entry) throws ProtocolException {
    int protection = entry.getInt(PROTECTION_AT);
    byte[] name = ListingEntries.text(entry, FIXED_SIZE, entry.getInt(NAME_SIZE_AT));
    if (name.length == 0 || name[name.length - 1] != 0) {
      throw new ProtocolException("a name that does not end");
    }
    return new MemoryMapping(
        entry.getLong(ADDRESS_AT),
        entry.getLong(LENGTH_AT),
        (protection & READABLE) != 0,
        (protection & WRITABLE) != 0,
        (protection & EXECUTABLE) != 0,
        (protection & SHARED) != 0,
        new String(name, 0, name.length - 1, charset));
  }
}
