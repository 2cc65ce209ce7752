package io.tproc;

/**
 * A resource that a program's use of can be limited, as setrlimit(2) does and a shell's {@code
 * ulimit}. See {@link ThreadProcBuilder#limit(ResourceLimit, long, long)}.
 *
 * <p>Those of memory, {@link #ADDRESS_SPACE} and {@link #DATA}, are kept by the host, which counts
 * what is the program's alone.
 */
public enum ResourceLimit {
  /**
   * Seconds of processor time; beyond the soft limit comes SIGXCPU, beyond the hard one SIGKILL.
   */
  CPU(0),

  /** Bytes of the largest file that it may write; beyond it SIGXFSZ comes, and writing fails. */
  FILE_SIZE(1),

  /** Bytes that it may have that are private and can be written: heap, data, thread stacks. */
  DATA(2),

  /** Bytes that the stack of its first thread may grow to. */
  STACK(3),

  /** Bytes of a core dump, which has the memory of all in it; 0 for none. */
  CORE(4),

  /**
   * Processes and threads of the user, all programs together, beyond which it may not start one.
   */
  PROCESSES(6),

  /** One more than the highest number of a descriptor. */
  OPEN_FILES(7),

  /** Bytes that may be locked in memory, by the host and all its programs together. */
  LOCKED_MEMORY(8),

  /** Bytes that it may have mapped in all, reserved ones included. */
  ADDRESS_SPACE(9),

  /** Signals of the user that may wait to be delivered. */
  PENDING_SIGNALS(11),

  /** Bytes in the user's POSIX message queues. */
  MESSAGE_QUEUES(12),

  /** 20 less the lowest nice value that it may take: 1 for 19, 40 for -20. */
  NICE(13),

  /** The highest real-time priority that it may take, 0 for none. */
  REALTIME_PRIORITY(14),

  /** Microseconds that a thread with a real-time priority may run without waiting for something. */
  REALTIME_TIME(15);

  /** No limit. */
  public static final long UNLIMITED = -1;

  private final int number;

  ResourceLimit(int number) {
    this.number = number;
  }

  /**
   * The number that the system knows it by.
   *
   * @return that of the constant {@code RLIMIT_…} of sys/resource.h
   */
  public int number() {
    return number;
  }
}
