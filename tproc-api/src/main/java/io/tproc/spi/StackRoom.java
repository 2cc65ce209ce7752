package io.tproc.spi;

/**
 * Makes a stack that is nearly full overflow where nothing has been begun yet. An overflow in the
 * middle of a launch would leave a lock held, or a program without an owner.
 */
public final class StackRoom {
  /**
   * With the arguments, each call takes 100 bytes of the stack and more: 64 KiB in all, and in the
   * interpreter three times as much, as what it is for does there.
   */
  private static final int CALLS = 640;

  /** 8 KiB: what is done under a lock by a call that does not wait. It takes 0.4 us. */
  private static final int CALLS_UNDER_LOCK = 80;

  private StackRoom() {}

  /**
   * Returns if there is room.
   *
   * @throws StackOverflowError if there is not
   */
  public static void require() {
    require(CALLS);
  }

  /**
   * As {@link #require}, for a lock that is held during one short call. That it could be taken does
   * not say that it can be given back: after an overflow, compiled code goes on in the interpreter,
   * whose frames are larger.
   */
  public static void requireUnderLock() {
    require(CALLS_UNDER_LOCK);
  }

  private static void require(int calls) {
    long sum;
    try {
      sum = fill(calls, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    } catch (StackOverflowError full) {
      throw new StackOverflowError(
          "this thread has too little of its stack left for tproc: give it a larger one (-Xss, or Thread's stack size)");
    }
    if (sum == 0) {
      throw new AssertionError("the sum is positive");
    }
  }

  /** Uses its arguments after the call, so that they stay on the stack. */
  private static long fill(
      int calls, long a, long b, long c, long d, long e, long f, long g, long h, long i) {
    long below = calls == 0 ? 1 : fill(calls - 1, i, a, b, c, d, e, f, g, h);
    return below + a + b + c + d + e + f + g + h + i;
  }
}
