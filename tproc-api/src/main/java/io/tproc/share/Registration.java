package io.tproc.share;

import io.tproc.ExitStatus;
import java.util.Objects;
import java.util.Optional;

/**
 * A publication, as it was when it was looked up.
 *
 * @param id names this publication, and never another, not even the next one of the same name
 * @param name 1 to 95 bytes of UTF-8; bytes that are none are shown as U+FFFD
 * @param type what lies there, for example {@code acme.Ring/1}; up to 47 bytes, may be empty
 * @param address where it lies, for the JVM and for all programs
 * @param size bytes
 * @param version the publisher's own, seen as unsigned
 * @param pid whose it is: this JVM's process, or a program's
 * @param kept whether it stays, as one that has ended, when its process ends
 * @param ended how its process ended; empty: it lives
 */
public record Registration(
    long id,
    String name,
    String type,
    long address,
    long size,
    int version,
    long pid,
    boolean kept,
    Optional<ExitStatus> ended) {
  /** Refuses null. */
  public Registration {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(type, "type");
    Objects.requireNonNull(ended, "ended");
  }
}
