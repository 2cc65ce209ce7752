import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** What the JVMs of the corpus run: threads that make garbage and keep some, a null pointer caught, a child. */
final class Work {
  private Work() {}

  static long part(int seed) {
    Map<Integer, byte[]> kept = new HashMap<>();
    long sum = 0;
    for (int i = 0; i < 60_000; i++) {
      byte[] block = new byte[100 + (i * 31 + seed) % 900];
      block[i % block.length] = (byte) i;
      byte[] old = kept.put(i % 2_000, block);
      sum += old == null ? 0 : old.length + old[(i - 2_000) % old.length];
    }
    return sum;
  }

  static String fault(Object nothing) {
    try {
      return nothing.toString();
    } catch (NullPointerException expected) {
      return "caught";
    }
  }

  static int depth(int n) {
    try {
      return depth(n + 1);
    } catch (StackOverflowError expected) {
      return n > 500 ? 1 : 0;
    }
  }

  public static void main(String[] arguments) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(4);
    List<Future<Long>> parts = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      int seed = i;
      parts.add(threads.submit(() -> part(seed)));
    }
    for (Future<Long> each : parts) {
      System.out.println(each.get());
    }
    threads.shutdown();
    System.gc();
    System.out.println(fault(null) + " " + depth(0));
    Process child = new ProcessBuilder("echo", "from a child").start();
    System.out.print(new String(child.getInputStream().readAllBytes()));
    System.exit(child.waitFor() + 7);
  }
}
