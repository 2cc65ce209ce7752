package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Launches beside a Java heap that is full, or nearly: wherever an OutOfMemoryError comes in the
 * middle of one, no program and no memory is left over, and the host goes on. In a JVM of its own.
 */
class FullHeapIT {
  @Test
  void aLaunchThatRunsOutOfMemoryLeavesNothing() throws Exception {
    Process jvm = new ChildJvm().with("-Xmx48m").main(Full.class).redirectErrorStream(true).start();
    assertThat(Outcome.of(jvm, ""))
        .returns("started some, ran out in some, nothing left, goes on\n", Outcome::output);
  }

  static final class Full {
    private static final int MOST_ROUNDS = 24;
    private static final int ROUNDS = (int) Patience.scaled(MOST_ROUNDS);
    private static final int STARTS = 5;
    private static final int LARGEST = 1 << 20;
    private static final int SMALLEST = 16;

    private static final Deque<byte[]> HOG = new ArrayDeque<>(1 << 17);
    private static final @Nullable ThreadProc[] PROGRAMS = new @Nullable ThreadProc[STARTS];
    private static int started;
    private static int ranOut;

    private Full() {}

    private static void fill() {
      int size = LARGEST;
      while (size >= SMALLEST) {
        try {
          HOG.add(new byte[size]);
        } catch (OutOfMemoryError full) {
          size /= 2;
        }
      }
    }

    /**
     * Each round leaves a little more room, so that the error comes a little later; fewer rounds
     * have longer steps. An exit may not be seen before there is memory again, so that is waited
     * for then.
     */
    private static void round(TprocHost host, int round) throws IOException {
      fill();
      for (int i = 0; i < 3 * round && !HOG.isEmpty(); i++) {
        HOG.removeLast();
      }
      for (int i = 0; i < STARTS; i++) {
        try {
          PROGRAMS[i] = host.command(Programs.nothing()).start();
          started++;
        } catch (OutOfMemoryError full) {
          ranOut++;
        }
      }
      HOG.clear();
      for (int i = 0; i < STARTS; i++) {
        if (PROGRAMS[i] != null) {
          PROGRAMS[i].close();
        }
        PROGRAMS[i] = null;
      }
    }

    /** What ran out of memory in a start is released when it is not reachable any more. */
    private static boolean isNothingLeft(TprocHost host) {
      System.gc();
      return host.statuses().isEmpty() && host.running().isEmpty();
    }

    private static String goesOn(TprocHost host) throws Exception {
      try (ThreadProc program = host.command(Programs.nothing()).start()) {
        return program.waitFor() == 0 ? "goes on" : "does not go on";
      }
    }

    public static void main(String[] arguments) throws Exception {
      TprocHost host = TprocHost.open();
      goesOn(host); // all classes are there
      for (int i = 0; i < ROUNDS; i++) {
        round(host, i * MOST_ROUNDS / ROUNDS);
      }
      boolean gone = Patience.until(Patience.seconds(30), () -> isNothingLeft(host));
      System.out.print(started > 0 ? "started some, " : "started none, ");
      System.out.print(ranOut > 0 ? "ran out in some, " : "ran out in none, ");
      System.out.print(gone ? "nothing left, " : host.statuses() + " left, ");
      System.out.println(goesOn(host));
      host.close();
    }
  }
}
