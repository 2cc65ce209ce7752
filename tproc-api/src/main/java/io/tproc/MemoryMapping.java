package io.tproc;

import java.util.Objects;

/**
 * One mapping of a threadproc, as the kernel had it when it was asked for.
 *
 * @param address the first byte
 * @param size the number of bytes, a multiple of the page size
 * @param readable whether programs may read it
 * @param writable whether programs may write it
 * @param executable whether programs may run it
 * @param shared whether writes reach the file or the other processes that map it; otherwise they
 *     are private to this address space
 * @param name the mapped file's path, {@code [heap]}, {@code [stack]}, or empty for other anonymous
 *     memory
 */
public record MemoryMapping(
    long address,
    long size,
    boolean readable,
    boolean writable,
    boolean executable,
    boolean shared,
    String name) {
  /** Refuses a null name. */
  public MemoryMapping {
    Objects.requireNonNull(name, "name");
  }

  /**
   * What is allowed, as {@code /proc/PID/maps} has it.
   *
   * @return four characters, such as {@code rw-p}
   */
  public String permissions() {
    return (readable ? "r" : "-")
        + (writable ? "w" : "-")
        + (executable ? "x" : "-")
        + (shared ? "s" : "p");
  }

  /** As a line of {@code /proc/PID/maps}: range, permissions, name. */
  @Override
  public String toString() {
    return String.format("%x-%x %s %s", address, address + size, permissions(), name);
  }
}
