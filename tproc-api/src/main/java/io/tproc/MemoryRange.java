package io.tproc;

/**
 * Checks the numbers of a range of memory; whether anything is mapped there, nobody can know for
 * longer than an instant.
 */
final class MemoryRange {
  private MemoryRange() {}

  /**
   * Refuses what cannot be memory of a Linux program.
   *
   * @throws IllegalArgumentException saying what is wrong, with the address in hexadecimal
   */
  static void check(long address, long size) {
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
}
