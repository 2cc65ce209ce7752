package io.tproc.spi;

import io.tproc.ResourceLimit;
import java.io.FileDescriptor;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The state that a program starts in, besides what a {@link ProcessBuilder} sets. Immutable.
 *
 * @param nice -20 to 19, or {@code null} for the host's
 * @param limits those that are not the host's
 * @param cpus numbers of the processors that it may run on; empty for the host's
 * @param descriptors descriptors of the host's by their numbers in the program, which are beyond
 *     those of the standard streams
 * @param session whether it leads a session of its own
 */
public record StartState(
    @Nullable Integer nice,
    Map<ResourceLimit, Limit> limits,
    Set<Integer> cpus,
    Map<Integer, FileDescriptor> descriptors,
    boolean session) {
  /** The host's own. */
  public static final StartState OF_HOST =
      new StartState(null, Map.of(), Set.of(), Map.of(), false);

  /** The lowest nice value, which gives the most processor time. */
  public static final int NICE_MIN = -20;

  /** The highest nice value. */
  public static final int NICE_MAX = 19;

  /** Above every number of a processor: no kernel can be built for more. */
  public static final int CPU_COUNT_MAX = 8192;

  /** The lowest number of a descriptor that is not a standard stream's. */
  public static final int FIRST_DESCRIPTOR = 3;

  /**
   * A limit of one resource, in its unit.
   *
   * @param soft what counts; the program may change it, up to the hard limit
   * @param hard the highest soft limit
   */
  public record Limit(long soft, long hard) {
    /**
     * Checks them.
     *
     * @throws IllegalArgumentException when one is negative and not {@link
     *     ResourceLimit#UNLIMITED}, or the soft limit is above the hard one
     */
    public Limit {
      if (soft < ResourceLimit.UNLIMITED || hard < ResourceLimit.UNLIMITED) {
        throw new IllegalArgumentException("negative limit: " + Math.min(soft, hard));
      }
      if (Long.compareUnsigned(soft, hard) > 0) {
        throw new IllegalArgumentException(
            "soft limit above the hard limit: " + text(soft) + " > " + text(hard));
      }
    }

    private static String text(long limit) {
      return limit == ResourceLimit.UNLIMITED ? "unlimited" : Long.toString(limit);
    }
  }

  /**
   * Copies all.
   *
   * @throws NullPointerException when a component other than the nice value, or an element of one,
   *     is null
   * @throws IllegalArgumentException when the nice value, a processor's number or a descriptor's is
   *     out of range
   */
  public StartState {
    limits = Map.copyOf(limits);
    cpus = Set.copyOf(cpus);
    descriptors = Map.copyOf(descriptors);
    if (nice != null) {
      checkRange("nice value", nice, NICE_MIN, NICE_MAX);
    }
    cpus.forEach(cpu -> checkRange("processor", cpu, 0, CPU_COUNT_MAX - 1));
    descriptors
        .keySet()
        .forEach(number -> checkRange("descriptor", number, FIRST_DESCRIPTOR, Integer.MAX_VALUE));
  }

  /**
   * Checks a number.
   *
   * @param what named in the message
   * @param number to be checked
   * @param lowest the lowest that is allowed
   * @param highest the highest that is allowed
   * @throws IllegalArgumentException when it is out of range
   */
  public static void checkRange(String what, int number, int lowest, int highest) {
    Objects.requireNonNull(what, "what");
    if (number < lowest || number > highest) {
      throw new IllegalArgumentException(
          what + " out of range " + lowest + " to " + highest + ": " + number);
    }
  }
}
