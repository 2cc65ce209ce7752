package io.tproc.spi;

import java.io.IOException;
import java.nio.Buffer;
import java.nio.file.Path;

/** What contained libraries and Python need of a provider, beside its host. Thread-safe. */
public interface CalleeSupport {
  /** The form of the callee's first arguments, as LANE_VERSION in its lane.h; it takes no other. */
  String CALLEE_VERSION = "2";

  /**
   * The program that contained libraries run in ({@code tproc-callee}).
   *
   * @return an absolute path
   * @throws IOException when there is none for this machine, or it cannot be unpacked; the message
   *     says what to do
   */
  Path callee() throws IOException;

  /**
   * The library that hosted programs link or load ({@code libtproc.so}).
   *
   * @return an absolute path
   * @throws IOException when there is none for this machine, or it cannot be unpacked; the message
   *     says what to do
   */
  Path libtproc() throws IOException;

  /**
   * Makes a file of this user's, which stays for the next time: the same contents give the same
   * file.
   *
   * @param name of the file
   * @param contents what is in it
   * @return an absolute path
   * @throws IOException when it can be written nowhere
   */
  Path unpacked(String name, byte[] contents) throws IOException;

  /**
   * Gives the address of a direct buffer's index 0, as {@link io.tproc.TprocHost#addressOf}, but
   * does not let forked children see its memory.
   *
   * @param directBuffer a buffer whose {@link Buffer#isDirect()} is true
   * @return the address
   */
  long address(Buffer directBuffer);

  /**
   * Sleeps in native code while a word of memory has a value, until a thread wakes those who sleep
   * at it, for no reason, or until the time is over. Programs sleep and wake by {@code futex}
   * without FUTEX_PRIVATE_FLAG.
   *
   * @param address of a 32-bit word that can be read; a multiple of 4
   * @param value what it must have for the thread to sleep
   * @param nanoseconds the longest time; -1: no limit
   */
  void awaitChange(long address, int value, long nanoseconds);

  /**
   * Wakes all threads that sleep at a word of memory, of this process and of others.
   *
   * @param address of a 32-bit word; a multiple of 4
   */
  void wakeAll(long address);

  /**
   * As {@link #wakeAll}; before that it writes down on which processor this thread runs, so that
   * who wakes up knows whether it is on the same.
   *
   * @param address of a 32-bit word; a multiple of 4
   * @param processor the address of another one, which gets the processor's number
   */
  void wakeFromHere(long address, long processor);
}
