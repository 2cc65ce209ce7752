package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.InstanceOfAssertFactories.STRING;

import io.tproc.Errno;
import io.tproc.LaunchException;
import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Users of ProcessBuilder close nothing. Ended programs whose handles are not closed must not take
 * the mappings from the JVM, which would end it.
 */
class NeverClosedIT {
  private static final String PROGRAM = Programs.probe("memory");

  private static long maxMappings() throws IOException {
    return Long.parseLong(Files.readAllLines(Path.of("/proc/sys/vm/max_map_count")).get(0));
  }

  private static long mappings() throws IOException {
    try (Stream<String> lines = Files.lines(Path.of("/proc/self/maps"))) {
      return lines.count();
    }
  }

  /** A program that ends and leaves one part in 100 of what a process may have. */
  private static ThreadProc leaveSome(TprocHost host) throws Exception {
    ThreadProc program =
        host.command(PROGRAM, "pieces", Long.toString(maxMappings() / 100)).start();
    assertThat(program.waitFor()).isZero();
    return program;
  }

  @Test
  void handlesThatAreForgotten() throws Exception {
    try (TprocHost host = TprocHost.open()) {
      for (int i = 0; i < 150; i++) { // half as much again as there may be
        leaveSome(host);
      }
      assertThat(mappings()).isLessThan(maxMappings() * 4 / 5);
    }
  }

  /** One thread launches beside many that are not closed yet, and another closes them. */
  @Test
  void handlesThatAreClosedLateAndElsewhere() throws Exception {
    int unclosed = 30;
    int launches = unclosed + (int) Patience.scaled(400);
    BlockingQueue<ThreadProc> ended = new LinkedBlockingQueue<>();
    Semaphore tooMany = new Semaphore(0);
    try (TprocHost host = TprocHost.open()) {
      FutureTask<Void> closing =
          new FutureTask<>(
              () -> {
                for (int i = unclosed; i < launches; i++) {
                  tooMany.acquire();
                  ended.take().close();
                }
                return null;
              });
      Thread closer = new Thread(closing, "closer");
      closer.setDaemon(true);
      closer.start();
      FutureTask<Void> launching =
          new FutureTask<>(
              () -> {
                for (int i = 0; i < launches; i++) {
                  ThreadProc program = host.command(Programs.nothing()).start();
                  program.waitFor();
                  ended.add(program);
                  if (i >= unclosed) {
                    tooMany.release();
                  }
                }
                return null;
              });
      Thread launcher = new Thread(launching, "launcher");
      launcher.setDaemon(true);
      launcher.start();
      launching.get(Patience.seconds(60).toSeconds(), TimeUnit.SECONDS);
      closing.get(Patience.seconds(60).toSeconds(), TimeUnit.SECONDS);
    }
  }

  @Test
  void streamsThatAreForgotten() throws Exception {
    long programs = Math.max(150, Patience.scaled(300)); // each has three descriptors
    Process jvm =
        new ChildJvm()
            .through("prlimit", "--nofile=" + programs + ":" + programs)
            .main(Streams.class, Long.toString(programs))
            .redirectErrorStream(true)
            .start();
    assertThat(Outcome.of(jvm, ""))
        .extracting(Outcome::output, STRING)
        .endsWith("all of them started\n");
  }

  /**
   * Programs whose descendants outlive them, so that their streams stay open, in a JVM that may
   * have few descriptors.
   */
  static final class Streams {
    private Streams() {}

    public static void main(String... arguments) throws Exception {
      try (TprocHost host = TprocHost.open()) {
        for (int i = 0; i < Integer.parseInt(arguments[0]); i++) {
          ThreadProc program = host.command("/bin/sh", "-c", "sleep 600 & echo $!").start();
          long descendant = Long.parseLong(program.inputReader().readLine());
          program.waitFor();
          ProcessHandle.of(descendant).ifPresent(ProcessHandle::destroyForcibly);
        }
        System.out.println("all of them started");
      }
    }
  }

  @Test
  void handlesThatAreKept() throws Exception {
    try (TprocHost host = TprocHost.open()) {
      List<ThreadProc> kept = new ArrayList<>();
      assertThatExceptionOfType(LaunchException.class)
          .isThrownBy(
              () -> {
                while (kept.size() < 300) {
                  kept.add(leaveSome(host));
                }
              })
          .withMessageContainingAll("vm.max_map_count", "not closed", "ThreadProc.close()")
          .extracting(LaunchException::errno)
          .isEqualTo(Errno.ENOMEM);
      assertThat(mappings()).isLessThan(maxMappings() * 4 / 5);

      kept.forEach(ThreadProc::close);
      leaveSome(host).close();
    }
  }
}
