package io.tproc.spi;

import io.tproc.TprocHost;
import java.nio.Buffer;
import java.nio.file.FileSystems;
import java.nio.file.Path;

/**
 * The checks of arguments that {@link TprocHost} promises, once for all providers. Each throws what
 * the method of the host says, before anything is done.
 */
public final class Checks {
  private Checks() {}

  /**
   * Refuses what cannot be memory of a Linux program. Whether anything is mapped there is not
   * asked: the answer would hold for an instant only.
   *
   * @param address the first byte
   * @param size the number of bytes
   * @throws IllegalArgumentException saying what is wrong, with the address in hexadecimal
   */
  public static void range(long address, long size) {
    if (address == 0) {
      throw new IllegalArgumentException("address is 0: a null pointer");
    }
    if (address < 0) {
      throw new IllegalArgumentException(
          "not an address of a program: 0x" + Long.toHexString(address));
    }
    if (size < 0) {
      throw new IllegalArgumentException("size is negative: " + size);
    }
    if (address + size < 0) {
      throw new IllegalArgumentException(
          "range wraps around: 0x" + Long.toHexString(address) + " + " + size);
    }
  }

  /**
   * As {@link #range}; also refuses what a {@link java.nio.ByteBuffer} cannot hold.
   *
   * @param address the first byte
   * @param size the number of bytes
   * @return the size
   * @throws IllegalArgumentException saying what is wrong
   */
  public static int bufferRange(long address, long size) {
    range(address, size);
    if (size > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "a ByteBuffer holds at most 2147483647 bytes, not "
              + size
              + ": use several, or segment() on Java 22 or later");
    }
    return (int) size;
  }

  /**
   * Refuses a heap buffer.
   *
   * @param buffer any buffer
   * @throws IllegalArgumentException when the buffer is not direct
   */
  public static void direct(Buffer buffer) {
    if (!buffer.isDirect()) {
      throw new IllegalArgumentException(
          "not a direct buffer: the garbage collector may move a heap buffer; use ByteBuffer.allocateDirect");
    }
  }

  /**
   * Refuses a socket that the kernel cannot have.
   *
   * @param socket any path
   * @return the same, absolute
   * @throws UnsupportedOperationException when the path is not of the default file system
   */
  public static Path socket(Path socket) {
    if (!socket.getFileSystem().equals(FileSystems.getDefault())) {
      throw new UnsupportedOperationException(
          "a socket is a file of the default file system: " + socket.toUri());
    }
    return socket.toAbsolutePath();
  }
}
