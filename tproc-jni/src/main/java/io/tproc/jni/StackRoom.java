package io.tproc.jni;

/**
 * Makes a stack that is nearly full overflow where nothing has been begun yet. An overflow in the
 * middle of a launch would leave a lock held, or a program without an owner.
 */
final class StackRoom {
  /** With the arguments, each call takes 100 bytes of the stack and more: 64 KiB in all. */
  private static final int CALLS = 640;

  private StackRoom() {}

  /**
   * Returns if there is room.
   *
   * @throws StackOverflowError if there is not
   */
  static void require() {
    if (fill(CALLS, 1, 2, 3, 4, 5, 6, 7, 8, 9) == 0) {
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
