package io.tproc.share;

import io.tproc.Errno;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** {@code struct tproc_arena} of {@code tproc_share_abi.h}, as far as a reader needs it. */
final class SharedArena {
  /** Bytes of the struct. */
  static final int SIZE = 1152;

  private static final long MAGIC = 0x6e7261636f727074L;
  private static final int CAPACITY_AT = 8;
  private static final int USED_AT = 16;
  private static final int ROOT_AT = 24;
  private static final int TYPE_AT = 32;
  private static final int TYPE_SIZE = 48;

  private SharedArena() {}

  /**
   * The address of the root.
   *
   * @param block its beginning
   */
  static long root(ByteBuffer block, long address, String type) {
    ByteBuffer arena = block.order(ByteOrder.nativeOrder());
    if (arena.capacity() < SIZE || arena.getLong(0) != MAGIC || !hasRoot(arena, address)) {
      throw new SharedMemoryException(
          Errno.EPROTO, "the block at 0x" + Long.toHexString(address) + " is no arena with a root");
    }
    String found = typeOf(arena);
    if (!found.equals(type)) {
      throw new SharedMemoryException(
          Errno.EPROTOTYPE,
          "the arena at 0x"
              + Long.toHexString(address)
              + " has a root of type "
              + found
              + ", not "
              + type);
    }
    return arena.getLong(ROOT_AT);
  }

  private static boolean hasRoot(ByteBuffer arena, long address) {
    long used = arena.getLong(USED_AT);
    long offset = arena.getLong(ROOT_AT) - address;
    return used <= arena.getLong(CAPACITY_AT) && offset >= SIZE && offset < used;
  }

  private static String typeOf(ByteBuffer arena) {
    byte[] bytes = new byte[TYPE_SIZE];
    arena.get(TYPE_AT, bytes);
    int length = 0;
    while (length < bytes.length && bytes[length] != 0) {
      length++;
    }
    return new String(bytes, 0, length, StandardCharsets.UTF_8);
  }
}
