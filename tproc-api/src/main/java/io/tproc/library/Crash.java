package io.tproc.library;

import io.tproc.spi.Printable;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Where a library was when a signal ended it, as its own handler saw it. A library that replaces
 * the handler leaves no such record.
 *
 * @param signal the signal's Linux number: 11 for SIGSEGV, 6 for SIGABRT, …
 * @param address the address that could not be accessed; empty for signals that have none
 * @param owner whose the address is, in words: {@code null pointer}; of the library's process a
 *     file, {@code [heap]}, {@code [stack]}, {@code its memory} or {@code not mapped}; {@code pid
 *     42} of another hosted process; {@code not the library's}, which is the JVM's or nobody's;
 *     empty without an address
 * @param stackOverflow whether the address is near the stack pointer, so that a stack has
 *     overflowed
 * @param programCounter the address of the instruction; of {@code abort} the call in the first
 *     frame that is not of the C library or the C++ runtime
 * @param file the file that the instruction is in; empty when it is in none, as after a jump
 *     through a wrong pointer
 * @param offset where in the file's memory the instruction is, as {@code addr2line -e file} wants
 *     it; 0 without a file
 * @param symbol the function that the file exports at or before the instruction
 * @param symbolOffset how far after the symbol's address the instruction is
 */
public record Crash(
    int signal,
    OptionalLong address,
    String owner,
    boolean stackOverflow,
    long programCounter,
    String file,
    long offset,
    Optional<String> symbol,
    long symbolOffset) {

  private String place() {
    if (file.isEmpty()) {
      return "at 0x" + Long.toHexString(programCounter);
    }
    String inFile = Printable.text(file) + "+0x" + Long.toHexString(offset);
    return symbol
        .map(
            name ->
                "in "
                    + Printable.text(name)
                    + "+0x"
                    + Long.toHexString(symbolOffset)
                    + " of "
                    + inFile)
        .orElse("in " + inFile);
  }

  /**
   * In words, without the signal: {@code accessing 0x10 (null pointer), in f+0x4 of
   * libx.so+0x1234}. What a terminal would obey in the names is escaped.
   */
  @Override
  public String toString() {
    String what =
        address.isPresent()
            ? (stackOverflow ? "stack overflow, accessing 0x" : "accessing 0x")
                + Long.toHexString(address.getAsLong())
                + " ("
                + Printable.text(owner)
                + "), "
            : "";
    return what + place();
  }
}
