package io.tproc;

/**
 * Programs of one kind that a host keeps waiting, and what became of them until now: an
 * unmodifiable snapshot, of {@link TprocHost#prepared()}. Later versions may say more: implement it
 * in tests alone.
 */
public interface PreparedProgram {
  /**
   * Which it is.
   *
   * @return as it was given to {@link ThreadProcBuilder#prepare(int)}
   */
  String program();

  /**
   * How far they are.
   *
   * @return whether their dynamic linker has done its work; otherwise they wait before their first
   *     instruction
   */
  boolean linked();

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
