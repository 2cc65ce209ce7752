package io.tproc;

/**
 * Programs of one kind that a host keeps waiting, and what became of them until now: an
 * unmodifiable snapshot, of {@link TprocHost#prepared()}. Later versions may say more: implement it
 * in tests alone.
 */
public interface PreparedProgram {
  /** How far programs that wait have come. Later versions may have more. */
  enum Depth {
    /** They are processes, and their file is mapped: they wait before their first instruction. */
    MAPPED,
    /** Their dynamic linker has done its work, too: they wait before their first constructor. */
    LINKED,
    /** They have run, and wait where they have called {@code tproc_ready}. */
    READY
  }

  /**
   * Which it is.
   *
   * @return as it was given to {@link ThreadProcBuilder#prepare(int)}; of programs that run until
   *     they are ready with their arguments
   */
  String program();

  /**
   * How far they are.
   *
   * @return of those that were made last
   */
  Depth depth();

  /**
   * How many are to wait.
   *
   * @return as {@link ThreadProcBuilder#prepare(int)} was told
   */
  int wanted();

  /**
   * How many wait.
   *
   * @return the number at the time of the snapshot
   */
  int ready();

  /**
   * How much memory those that wait may access.
   *
   * @return bytes
   */
  long mapped();

  /**
   * How much of it is in memory.
   *
   * @return bytes
   */
  long resident();

  /**
   * How many starts got one.
   *
   * @return the number so far
   */
  long started();

  /**
   * How many starts of the program found none, or none with the same properties, and were ordinary
   * ones.
   *
   * @return the number so far
   */
  long missed();

  /**
   * How many were thrown away at a start, since a file or what the host hands down had changed, or
   * the arguments did not fit; that start was an ordinary one.
   *
   * @return the number so far
   */
  long changed();

  /**
   * How many have ended or were killed while they waited.
   *
   * @return the number so far
   */
  long ended();

  /**
   * How many were replaced for their age.
   *
   * @return the number so far
   */
  long expired();

  /**
   * How many attempts to prepare one have failed.
   *
   * @return the number so far
   */
  long failed();

  /**
   * Why the last attempt has failed.
   *
   * @return empty when it did not
   */
  String problem();
}
