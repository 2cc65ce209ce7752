package io.tproc.it;

import java.util.Arrays;

/** Which threads wait natively for a contained library: the JVM calls such a thread running. */
final class NativeWaits {
  private NativeWaits() {}

  /** For anything: a call, or that a function is found or a thread is started for it. */
  static boolean isWaiting(Thread thread) {
    return isIn(thread.getStackTrace(), "awaitChange");
  }

  /** For a call that does not return, and for nothing that comes before it. */
  static boolean isInCall(Thread thread) {
    StackTraceElement[] frames = thread.getStackTrace();
    return isIn(frames, "awaitChange") && !isIn(frames, "ask");
  }

  /** As {@link #isWaiting}, of whichever thread. */
  static boolean isAnyWaiting() {
    return Thread.getAllStackTraces().values().stream()
        .anyMatch(frames -> isIn(frames, "awaitChange"));
  }

  private static boolean isIn(StackTraceElement[] frames, String method) {
    return Arrays.stream(frames).anyMatch(frame -> frame.getMethodName().equals(method));
  }
}
