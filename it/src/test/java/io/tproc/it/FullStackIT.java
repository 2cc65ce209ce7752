package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import java.io.IOException;
import org.junit.jupiter.api.Test;

/**
 * A launch on a stack that is nearly full: whatever it fails in, no lock and no program is left
 * over, and the host closes. In a JVM of its own, which an overflow may cost classes.
 */
class FullStackIT {
  /** The stack is searched in so many steps, and then one of them call by call. */
  private static final int STEPS = 50;

  @Test
  void aLaunchAtEachDepthOfAStack() throws Exception {
    Process jvm = new ChildJvm().with("-Xint").main(Deep.class).redirectErrorStream(true).start();
    Outcome outcome = Outcome.of(jvm, "");
    assertThat(outcome)
        .returns("started some, overflowed in some, nothing left, closed\n", Outcome::output);
  }

  static final class Deep {
    private static TprocHost host;
    private static int depth;
    private static int started;
    private static int overflowed;

    private Deep() {}

    @SuppressWarnings("InfiniteRecursion")
    private static void findDepth(int at) {
      depth = at;
      findDepth(at + 1);
    }

    private static void startAt(int left) throws IOException {
      if (left > 0) {
        startAt(left - 1);
        return;
      }
      try (ThreadProc program = host.command(Programs.nothing()).start()) {
        started += program.pid() > 0 ? 1 : 0;
      }
    }

    private static void startAtEachDepth() {
      try {
        findDepth(0);
      } catch (StackOverflowError expected) {
        // now it is known
      }
      int deepest = depth;
      int at = deepest;
      while (at > 0 && !works(at)) {
        at -= deepest / STEPS;
      }
      // Near the depth from which on it works, a launch overflows somewhere in its middle.
      for (int i = deepest / STEPS; i >= -deepest / STEPS; i--) {
        works(at + i);
      }
    }

    private static boolean works(int at) {
      try {
        startAt(at);
        return true;
      } catch (StackOverflowError expected) {
        overflowed++;
        return false;
      } catch (IOException failed) {
        throw new AssertionError(failed);
      }
    }

    /** What overflowed in a close is released when it is not reachable any more. */
    private static boolean isNothingLeft() {
      System.gc();
      return host.statuses().isEmpty();
    }

    /** Ends the JVM if the host does not close. */
    public static void main(String[] arguments) throws Exception {
      host = TprocHost.open();
      host.command(Programs.nothing()).start().close(); // all classes are there
      Thread deep = new Thread(null, Deep::startAtEachDepth, "deep", 1 << 20);
      deep.start();
      deep.join();
      boolean gone = Patience.until(Patience.seconds(30), Deep::isNothingLeft);
      String left = gone ? "nothing left, " : host.statuses().size() + " left, ";
      Thread closing = new Thread(host::close, "closing");
      closing.setDaemon(true);
      closing.start();
      closing.join(Patience.seconds(30).toMillis());
      boolean closed = !closing.isAlive();
      System.out.println(
          (started > 0 ? "started some, " : "started none, ")
              + (overflowed > 0 ? "overflowed in some, " : "overflowed in none, ")
              + left
              + (closed ? "closed" : "not closed: " + host));
      System.exit(0);
    }
  }
}
