package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * fork() in a hosted program copies none of the Java heap, under every collector and while the heap
 * grows. How long it takes is measured by {@code bench/run fork writer growing}.
 */
class ForkIT {
  @ParameterizedTest
  @ValueSource(strings = {"Serial", "Parallel", "G1", "Z", "Shenandoah"})
  void copiesNoJavaHeap(String collector) throws Exception {
    String[] version = {
      Path.of(System.getProperty("java.home"), "bin", "java").toString(),
      "-XX:+Use" + collector + "GC",
      "-version"
    };
    Outcome available = Outcome.natively(version);
    assumeTrue(available.exitValue == 0, () -> "skipped: this JDK does not have it: " + available);

    Outcome outcome =
        Outcome.of(
            new ChildJvm()
                .collector(collector)
                .with("-Xms32m", "-Xmx512m")
                .main(GrowingMain.class)
                .start(),
            "");

    assertThat(outcome.output()).as(outcome.toString()).isEqualTo("10 children read 42\n");
    assertThat(outcome.error()).isEmpty();
    assertThat(outcome.exitValue).isZero();
  }

  /** Grows its heap while a program forks, and checks the heap and every fork. */
  static final class GrowingMain {
    private static final int BLOCK = 1 << 20;
    private static final int BLOCKS = 200;

    /** Smaller memory comes and goes while the shield is looked at. */
    private static final long LARGE = 2L << 20;

    private static final Pattern HEADER =
        Pattern.compile("([0-9a-f]+)-([0-9a-f]+) (....) [0-9a-f]+ \\S+ [0-9]+ *(.*)");

    private GrowingMain() {}

    public static void main(String[] arguments) throws Exception {
      ByteBuffer given = ByteBuffer.allocateDirect(10 * BLOCK);
      given.put(7, (byte) 42);
      try (TprocHost host = TprocHost.open()) {
        host.keepInForks(host.addressOf(given), given.capacity());
        long address = host.addressOf(given) + 7;
        try (ThreadProc program =
                host.command(Programs.probe("forking"), "0x" + Long.toHexString(address)).start();
            BufferedReader answers = program.inputReader()) {
          List<byte[]> kept = growBeside(program, answers);
          Patience.untilNothingToComplainOf(
              Patience.seconds(10), () -> whatAForkWouldCopy(host, address));
          for (int i = 0; i < BLOCKS; i++) {
            byte[] block = kept.get(i);
            if (block[0] != (byte) i || block[BLOCK - 1] != (byte) i) {
              System.out.println("block " + i + " is harmed");
            }
          }
        }
      }
      Reference.reachabilityFence(given);
    }

    private static List<byte[]> growBeside(ThreadProc program, BufferedReader answers)
        throws IOException {
      List<byte[]> kept = new ArrayList<>();
      int right = 0;
      for (int i = 0; i < BLOCKS; i++) {
        byte[] block = new byte[BLOCK];
        Arrays.fill(block, (byte) i);
        kept.add(block);
        if (i % 20 == 0) {
          program.outputWriter().append('\n').flush();
          right += "42".equals(answers.readLine()) ? 1 : 0;
        }
      }
      System.out.println(right + " children read 42");
      return kept;
    }

    /** Large private memory without the kernel's mark "do not copy on fork". */
    private static String whatAForkWouldCopy(TprocHost host, long given) {
      StringBuilder found = new StringBuilder();
      String large = "";
      try {
        for (String line : Files.readAllLines(Path.of("/proc/self/smaps"))) {
          Matcher header = HEADER.matcher(line);
          if (header.matches()) {
            long low = Long.parseUnsignedLong(header.group(1), 16);
            long high = Long.parseUnsignedLong(header.group(2), 16);
            boolean copied =
                header.group(3).matches("rw.p")
                    && header.group(4).isEmpty()
                    && high - low > LARGE
                    && !(low <= given && given < high)
                    && host.ownerOf(low).isEmpty();
            large = copied ? line : "";
          } else if (line.startsWith("VmFlags:") && !large.isEmpty()) {
            found.append((line + " ").contains(" dc ") ? "" : large + "\n");
            large = "";
          }
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      return found.length() == 0 ? "" : "a fork would copy:\n" + found;
    }
  }
}
