package io.tproc.bench;

import java.util.HashMap;
import java.util.Map;
import java.util.stream.IntStream;

/** What the hosted JVM runs: some allocation, some threads, some output. */
public final class GuestProgram {
  private GuestProgram() {}

  /** Prints one line that depends on everything done. */
  public static void main(String... arguments) {
    Map<String, Integer> counts = new HashMap<>();
    for (int i = 0; i < 500_000; i++) {
      counts.merge("word" + i % 5000, 1, Integer::sum);
    }
    long sum =
        IntStream.range(0, 200_000)
            .parallel()
            .mapToObj(Integer::toString)
            .mapToLong(String::length)
            .sum();
    System.out.println(counts.size() + " words, " + sum + " characters");
  }
}
