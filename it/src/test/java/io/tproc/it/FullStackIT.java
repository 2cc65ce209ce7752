package io.tproc.it;

import static io.tproc.library.CType.INT;
import static org.assertj.core.api.Assertions.assertThat;

import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import io.tproc.library.ContainedFunction;
import io.tproc.library.ContainedLibrary;
import io.tproc.library.LibraryCrashedException;
import io.tproc.library.LibraryThreads;
import io.tproc.library.StaleLibraryException;
import java.io.IOException;
import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A launch, and calls of a contained library, on a stack that is nearly full: whatever they fail
 * in, no lock and no program is left over, and the host closes. In a JVM of its own, which an
 * overflow may cost classes.
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

  /**
   * With the optimizing compiler, from whose code an overflow leads to larger frames. Without stack
   * traces, which take nearly all of the time.
   */
  @ParameterizedTest
  @EnumSource(LibraryThreads.class)
  void callsOfALibraryAtEachDepthOfAStack(LibraryThreads threads) throws Exception {
    Process jvm =
        new ChildJvm()
            .with("-XX:TieredStopAtLevel=4", "-XX:-StackTraceInThrowable")
            .main(DeepCalls.class, threads.name())
            .redirectErrorStream(false)
            .start();
    Outcome outcome = Outcome.of(jvm, "");
    assertThat(outcome).returns("all returned or were told, closed\n", Outcome::output);
  }

  static final class DeepCalls {
    private static final long ROUNDS = Patience.scaled(60);

    private DeepCalls() {}

    /**
     * Calls again and again where the stack is nearly full, with a little more room each time: what
     * the numbers take.
     */
    @SuppressWarnings("InfiniteRecursion") // until the stack is full
    private static long callOnAFullStack(
        ContainedFunction function, long a, long b, long c, long d, long e, long f) {
      try {
        return callOnAFullStack(function, b, c, d, e, f, a) + (a ^ b ^ c ^ d ^ e ^ f);
      } catch (StackOverflowError full) {
        return function.callInt();
      }
    }

    private static String round(TprocHost host, LibraryThreads threads) throws Exception {
      try (ContainedLibrary library =
          host.libraryBuilder(Programs.library("contained")).threads(threads).open()) {
        ContainedFunction id = library.function("thread_id", INT);
        int expected = id.callInt();
        String own = told(() -> callOnAFullStack(id, 1, 2, 4, 7, 0, 0) == expected);
        return own.isEmpty() ? toldToAnother(id) : own;
      }
    }

    /** What is wrong: nothing when the library was ended, and the exception says why. */
    private static String told(Callable<Boolean> call) throws Exception {
      try {
        return call.call() ? "" : "another id";
      } catch (LibraryCrashedException | StaleLibraryException ended) {
        String told = String.valueOf(ended.getMessage());
        return told.contains("such as a stack overflow") ? "" : told;
      }
    }

    /** Nothing is left locked or lent for ever by a thread that was cut off. */
    private static String toldToAnother(ContainedFunction id) throws Exception {
      FutureTask<String> calling = new FutureTask<>(() -> told(() -> id.callInt() > 0));
      Thread other = new Thread(calling, "another");
      other.setDaemon(true);
      other.start();
      try {
        return calling.get(Patience.seconds(20).toMillis(), TimeUnit.MILLISECONDS);
      } catch (TimeoutException stands) {
        return "another thread waits without end: " + Arrays.toString(other.getStackTrace());
      }
    }

    private static String rounds(TprocHost host, LibraryThreads threads) {
      try {
        for (int i = 0; i < ROUNDS; i++) {
          String wrong = round(host, threads);
          if (!wrong.isEmpty()) {
            return "round " + i + ": " + wrong;
          }
        }
        return "all returned or were told";
      } catch (Throwable failed) {
        return failed.toString();
      }
    }

    /** Ends the JVM if the host does not close. */
    public static void main(String[] arguments) throws Exception {
      TprocHost host = TprocHost.open();
      LibraryThreads threads = LibraryThreads.valueOf(arguments[0]);
      String[] seen = {"a call did not return"};
      Thread deep = new Thread(null, () -> seen[0] = rounds(host, threads), "deep", 1 << 20);
      deep.setDaemon(true);
      deep.start();
      deep.join(Patience.seconds(90).toMillis());
      Thread closing = new Thread(host::close, "closing");
      closing.setDaemon(true);
      closing.start();
      closing.join(Patience.seconds(20).toMillis());
      System.out.println(seen[0] + (closing.isAlive() ? ", not closed: " + host : ", closed"));
      System.exit(0);
    }
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
      int span = deepest / STEPS;
      int stride = (int) Math.max(1, 2 * span / Patience.scaled(2 * span));
      for (int i = span; i >= -span; i -= stride) {
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
