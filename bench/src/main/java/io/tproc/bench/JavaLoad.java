package io.tproc.bench;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * Two threads that allocate much: records that are parsed from text, counted in hash maps, and kept
 * in trees, of which the oldest are let go. Some 200 MiB are alive.
 */
final class JavaLoad implements AutoCloseable {
  private static final int THREADS = 2;
  private static final int KEPT = 150_000;
  private static final int WORDS = 5_000;
  private static final int FIELDS = 8;

  private final AtomicLong operations = new AtomicLong();
  private final List<Thread> threads = new ArrayList<>();
  private volatile boolean ended;
  private volatile boolean paused = true;

  JavaLoad() {
    for (int i = 0; i < THREADS; i++) {
      Thread thread = new Thread(this::work, "load");
      thread.setDaemon(true);
      thread.start();
      threads.add(thread);
    }
  }

  private record Row(long number, String key, List<String> fields) {}

  /** How much is done in so many milliseconds; before and after, nothing is. */
  long during(int milliseconds) throws InterruptedException {
    long before = operations.get();
    resume(true);
    Thread.sleep(milliseconds);
    resume(false);
    return operations.get() - before;
  }

  private void resume(boolean on) {
    paused = !on;
    threads.forEach(LockSupport::unpark);
  }

  private void work() {
    TreeMap<Long, Row> rows = new TreeMap<>();
    Map<String, Integer> counts = new HashMap<>();
    for (long number = 0; !ended; number++) {
      if (paused) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
        continue;
      }
      Row row = parse(line(number), number);
      counts.merge(row.key, row.fields.size(), Integer::sum);
      rows.put(number * 0x9E3779B97F4A7C15L, row); // anywhere in the tree
      if (rows.size() > KEPT) {
        rows.pollFirstEntry();
      }
      operations.incrementAndGet();
    }
  }

  private static String line(long number) {
    StringBuilder text = new StringBuilder().append("key").append(number % WORDS);
    for (int i = 0; i < FIELDS; i++) {
      text.append(';').append(number + i);
    }
    return text.toString();
  }

  private static Row parse(String line, long number) {
    List<String> fields = List.of(line.split(";"));
    return new Row(number, fields.get(0), new ArrayList<>(fields.subList(1, fields.size())));
  }

  @Override
  public void close() throws InterruptedException {
    ended = true;
    for (Thread thread : threads) {
      thread.join();
    }
  }
}
