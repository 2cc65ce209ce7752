package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.tproc.ExitStatus.Signalled;
import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import io.tproc.share.Channel;
import io.tproc.share.Channel.Role;
import io.tproc.share.ChannelMessage;
import io.tproc.share.HeapUsage;
import io.tproc.share.Registration;
import io.tproc.share.SharedBlock;
import io.tproc.share.SharedMutex;
import java.io.File;
import java.lang.ProcessBuilder.Redirect;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Programs in C, C++, Rust and Python and threads of Java use one lock, four queues and the heap at
 * a time, while programs are killed at random: nothing is wrong, nothing is left, nobody waits.
 * Those in Python are ordinary processes that attach: Debian's python3 is for fixed addresses,
 * where a host has room for one. {@code tools/sharing-storm} does it with more programs, for as
 * long as one likes.
 */
@Timeout(value = 2000, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SharingStormIT {
  private static final int SECONDS = Integer.getInteger("tproc.it.storm.seconds", 5);
  private static final int PROGRAMS = Integer.getInteger("tproc.it.storm.programs", 12);
  private static final long SEED = Long.getLong("tproc.it.storm.seed", System.nanoTime());
  private static final int SIGKILL = 9;
  private static final int THREADS = 4;
  private static final int KILLERS = 4;
  private static final int QUEUES = 4;
  private static final int CELLS = 64;
  private static final int LIFE_MILLISECONDS_MAX = 40;
  private static final String PYTHON = "/usr/bin/python3";
  private static final String TYPE = "it.Storm/1";
  private static final Path RESOURCES = Path.of("src/test/resources/sharing").toAbsolutePath();

  @TempDir Path directory;

  private volatile boolean over;

  /**
   * Commands of the languages that there are, each with the counter's name, without the queue's.
   */
  private List<List<String>> languages(String counter) throws Exception {
    List<List<String>> all = new ArrayList<>();
    all.add(List.of(Programs.probe("sharing_storm"), counter));
    all.add(List.of(Programs.probe("sharing_storm_cpp"), counter));
    if (Files.isExecutable(Path.of(PYTHON)) && Files.exists(PythonPackage.PATH)) {
      all.add(List.of(PYTHON, RESOURCES.resolve("storm.py").toString(), counter));
    }
    if (RustPrograms.whyNot().isEmpty()) {
      RustPrograms rust = RustPrograms.in(directory);
      rust.program(RESOURCES.resolve("storm.rs"));
      all.add(List.of(rust.binary("storm"), counter));
    }
    return all;
  }

  private static String queue(String counter, int program) {
    return counter + ".queue" + program % QUEUES;
  }

  /** A program, hosted or ordinary. */
  private interface Victim {
    /**
     * @return whether it was killed, and had not ended by itself
     */
    boolean kill() throws Exception;
  }

  private Victim start(
      ListeningHost host, List<List<String>> languages, String counter, int number, File errors)
      throws Exception {
    List<String> command = new ArrayList<>(languages.get(number % languages.size()));
    command.add(queue(counter, number / languages.size()));
    if (command.get(0).equals(PYTHON)) {
      command.add(host.socket().toString());
      ProcessBuilder builder = new ProcessBuilder(command);
      builder.environment().putAll(PythonPackage.ENVIRONMENT);
      Process process = builder.redirectErrorStream(true).redirectOutput(to(errors)).start();
      return () -> process.destroyForcibly().waitFor() == 128 + SIGKILL;
    }
    ThreadProc program =
        host.host().command(command).redirectErrorStream(true).redirectOutput(to(errors)).start();
    return () -> {
      try (program) {
        program.destroyForcibly();
        return program.waitForExit().equals(new Signalled(SIGKILL, false));
      }
    };
  }

  private static Redirect to(File errors) {
    return Redirect.appendTo(errors);
  }

  private static ByteBuffer number(long number) {
    return ByteBuffer.allocate(Long.BYTES).order(ByteOrder.nativeOrder()).putLong(0, number);
  }

  private static void count(SharedMutex mutex, ByteBuffer numbers) throws InterruptedException {
    try (SharedMutex.Held held = mutex.lock()) {
      if (held.ownerDied()) {
        numbers.putLong(16, numbers.getLong(8));
        held.consistent();
      }
      assertThat(numbers.getLong(8)).isEqualTo(numbers.getLong(16));
      numbers.putLong(8, numbers.getLong(8) + 1);
      numbers.putLong(16, numbers.getLong(16) + 1);
    }
  }

  private static void read(ChannelMessage message) {
    try (SharedBlock block = message.block().orElseThrow()) {
      ByteBuffer buffer = block.buffer().order(ByteOrder.nativeOrder());
      ByteBuffer data = message.data().order(ByteOrder.nativeOrder());
      assertThat(buffer.getLong(0)).isEqualTo(data.getLong(0));
    }
  }

  /** What the programs do. @return how often */
  private long work(TprocHost host, SharedMutex mutex, ByteBuffer numbers, Channel queue)
      throws InterruptedException {
    Random own = new Random(Thread.currentThread().getId());
    long rounds = 0;
    for (; !over; rounds++) {
      count(mutex, numbers);
      queue.tryReceive().ifPresent(SharingStormIT::read);
      SharedBlock block = host.heap().allocate(16 + own.nextInt(40_000));
      long number = own.nextLong();
      block.buffer().order(ByteOrder.nativeOrder()).putLong(0, number);
      if (!queue.trySend(number(number), block)) {
        block.close();
      }
    }
    return rounds;
  }

  /** Kills those of each KILLERS-th number, and starts others for them. @return how many */
  private int killAtRandom(
      ListeningHost host,
      List<List<String>> languages,
      String counter,
      Victim[] programs,
      int killer)
      throws Exception {
    Random random = new Random(SEED + killer);
    File errors = directory.resolve("errors").toFile();
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
    int kills = 0;
    for (; System.nanoTime() < end; kills++) {
      int victim = random.nextInt(programs.length / KILLERS) * KILLERS + killer;
      kill(programs[victim], errors);
      programs[victim] = start(host, languages, counter, victim, errors);
      // Not to wait for something, but so that they are at random places.
      LockSupport.parkNanos(
          TimeUnit.MILLISECONDS.toNanos(1 + random.nextInt(LIFE_MILLISECONDS_MAX)));
    }
    return kills;
  }

  private static void kill(Victim program, File errors) throws Exception {
    assertThat(program.kill())
        .as("a program ended by itself; they have said: %s", Files.readString(errors.toPath()))
        .isTrue();
  }

  private static long blocks(TprocHost host, HeapUsage.Owner owner) {
    return host.heap().usage().uses().stream()
        .filter(each -> each.owner() == owner)
        .mapToLong(HeapUsage.Use::blocks)
        .sum();
  }

  @Test
  void nothingIsWrongAndNothingIsLeft() throws Exception {
    try (ListeningHost listening = ListeningHost.open()) {
      storm(listening);
    }
  }

  private void storm(ListeningHost listening) throws Exception {
    TprocHost host = listening.host();
    long before = blocks(host, HeapUsage.Owner.HOST);
    long channelsBefore = blocks(host, HeapUsage.Owner.CHANNELS);
    String counter = "it.storm" + SEED;
    List<List<String>> languages = languages(counter);
    File errors = directory.resolve("errors").toFile();
    Files.createFile(errors.toPath());
    ExecutorService threads = Executors.newCachedThreadPool();
    List<Channel> queues = new ArrayList<>();
    Victim[] programs = new Victim[PROGRAMS / KILLERS * KILLERS];
    int kills = 0;
    long rounds = 0;
    long counted;
    try (SharedBlock block = host.heap().allocate(32)) {
      ByteBuffer numbers = block.buffer().order(ByteOrder.nativeOrder());
      numbers.putLong(0, 0).putLong(8, 0).putLong(16, 0);
      Registration name = host.registry().publish(counter, TYPE, block);
      SharedMutex mutex = host.heap().mutex(block.address());
      for (int i = 0; i < QUEUES; i++) {
        queues.add(host.channels().create(CELLS, EnumSet.allOf(Role.class)));
        queues.get(i).publish(queue(counter, i));
      }
      List<Future<Long>> work = new ArrayList<>();
      for (int i = 0; i < THREADS; i++) {
        Channel queue = queues.get(i % QUEUES);
        work.add(threads.submit(() -> work(host, mutex, numbers, queue)));
      }
      for (int i = 0; i < programs.length; i++) {
        programs[i] = start(listening, languages, counter, i, errors);
      }
      List<Future<Integer>> killers = new ArrayList<>();
      for (int i = 0; i < KILLERS; i++) {
        int killer = i;
        killers.add(
            threads.submit(() -> killAtRandom(listening, languages, counter, programs, killer)));
      }
      for (Future<Integer> each : killers) {
        kills += each.get();
      }
      for (Victim each : programs) {
        kill(each, errors);
      }
      over = true;
      for (Future<Long> each : work) {
        rounds += each.get(60, TimeUnit.SECONDS); // nobody waits for what the dead had
      }
      count(mutex, numbers);
      counted = numbers.getLong(8);
      for (Channel each : queues) {
        for (Optional<ChannelMessage> left = each.tryReceive(); left.isPresent(); ) {
          read(left.get());
          left = each.tryReceive();
        }
        each.close();
      }
      host.registry().withdraw(name);
    } finally {
      over = true;
      threads.shutdown();
    }
    assertThat(threads.awaitTermination(60, TimeUnit.SECONDS)).isTrue();
    System.out.printf(
        "%d languages and Java, %d programs, %d threads, %d s: %d kills, the lock taken %d times,"
            + " %d of them by Java; seed %d%n",
        languages.size(), programs.length, THREADS, SECONDS, kills, counted, rounds, SEED);
    assertThat(counted).isGreaterThan(rounds).isPositive();
    // The host is told of the end of those that attach a moment later.
    // Their channels end after their blocks.
    assertThat(
            Patience.until(
                Patience.seconds(30),
                () ->
                    blocks(host, HeapUsage.Owner.PROCESS) == 0
                        && blocks(host, HeapUsage.Owner.CHANNELS) == channelsBefore))
        .isTrue();
    assertThat(blocks(host, HeapUsage.Owner.HOST)).isEqualTo(before);
  }
}
