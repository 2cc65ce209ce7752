package io.tproc;

import java.util.Objects;

/**
 * Programs of one kind that a host keeps waiting, and what became of them until now.
 *
 * @param program as it was given to {@link ThreadProcBuilder#prepare(int)}
 * @param linked whether their dynamic linker has done its work, or they wait before their first
 *     instruction
 * @param wanted how many are to wait
 * @param ready how many do
 * @param mapped bytes of memory that these may access
 * @param resident bytes of that which are in memory
 * @param started how many starts got one
 * @param missed how many starts of the program found none, or none with the same properties, and
 *     were ordinary ones
 * @param changed how many were thrown away at a start, since a file or what the host hands down had
 *     changed, or the arguments did not fit; that start was an ordinary one
 * @param ended how many have ended or were killed while they waited
 * @param expired how many were replaced for their age
 * @param failed how many attempts to prepare one have failed
 * @param problem why the last attempt has failed, or empty when it did not
 */
public record PreparedProgram(
    String program,
    boolean linked,
    int wanted,
    int ready,
    long mapped,
    long resident,
    long started,
    long missed,
    long changed,
    long ended,
    long expired,
    long failed,
    String problem) {
  /**
   * Makes one.
   *
   * @throws NullPointerException when a text is null
   */
  public PreparedProgram {
    Objects.requireNonNull(program, "program");
    Objects.requireNonNull(problem, "problem");
  }
}
