package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.tproc.ExitStatus.Exited;
import io.tproc.ThreadProc;
import io.tproc.ThreadProcBuilder;
import io.tproc.TprocHost;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Many threads use one host at once. */
@ExtendWith(HostExtension.class)
class ConcurrencyIT {
  private static final int THREADS = 16;
  private static final long ROUNDS = Patience.scaled(10);

  private static void inAllThreads(ThreadsWork work) throws Exception {
    CyclicBarrier start = new CyclicBarrier(THREADS);
    ExecutorService threads = Executors.newFixedThreadPool(THREADS);
    try {
      List<Future<?>> results = new ArrayList<>();
      for (int i = 0; i < THREADS; i++) {
        int number = i;
        Callable<Void> one =
            () -> {
              start.await();
              work.run(number);
              return null;
            };
        results.add(threads.submit(one));
      }
      for (Future<?> result : results) {
        result.get(Patience.seconds(200).toMillis(), TimeUnit.MILLISECONDS);
      }
    } finally {
      threads.shutdownNow();
    }
  }

  private interface ThreadsWork {
    void run(int thread) throws Exception;
  }

  @Test
  void launchesFromSixteenThreadsGetWhatEachAskedFor(TprocHost host, @TempDir Path directory)
      throws Exception {
    // libc keeps some stacks and arenas of the threads that launch at a time.
    inAllThreads(thread -> Outcome.hosted(host, Programs.probe("nothing")));
    Resources before = Resources.now();
    inAllThreads(
        thread -> {
          Path own = Files.createDirectory(directory.resolve("thread" + thread));
          for (int round = 0; round < ROUNDS; round++) {
            String mark = thread + "-" + round;
            assertThat(Outcome.hosted(host, Programs.probe("arguments"), mark).strings())
                .endsWith(mark);

            ThreadProcBuilder builder = host.command(Programs.probe("environment"));
            builder.environment().clear();
            builder.environment().put("MARK", mark);
            try (ThreadProc program = builder.start()) {
              assertThat(Outcome.of(program, "").strings()).containsExactly("MARK=" + mark);
            }

            try (ThreadProc program =
                host.command(Programs.probe("childstate")).directory(own).umask(thread).start()) {
              Outcome outcome = Outcome.of(program, "");
              Map<String, String> state = outcome.values();
              assertThat(state)
                  .as(outcome.toString())
                  .containsEntry("cwd", own.toRealPath().toString());
              assertThat(state).containsEntry("umask", String.format("%04o", thread));
              assertThat(state).containsEntry("descriptors", "0 1 2");
            }

            try (ThreadProc program = host.command(Programs.probe("copy")).start()) {
              assertThat(Outcome.of(program, mark.repeat(1000)))
                  .returns(mark.repeat(1000), Outcome::output);
            }

            try (ThreadProc program =
                host.command(Programs.sample("crash"), "exit", Integer.toString(thread)).start()) {
              assertThat(program.waitForExit()).isEqualTo(new Exited(thread));
            }
          }
        });
    assertThat(host.running()).isEmpty();
    before.assertAsBefore();
  }

  @Test
  void killingAndClosingFromManyThreads(TprocHost host) throws Exception {
    for (int round = 0; round < ROUNDS; round++) {
      try (ThreadProc program = host.command(Programs.probe("waiter")).start()) {
        inAllThreads(
            thread -> {
              switch (thread % 4) {
                case 0 -> program.destroyForcibly();
                case 1 -> program.close();
                case 2 -> program.waitForExit();
                default -> program.toHandle().onExit().get();
              }
              assertThat(program.waitForExit().exitValue()).isEqualTo(128 + 9);
            });
      }
    }
  }

  @Test
  void launchingWhileTheHostIsClosed() throws Exception {
    for (int round = 0; round < 5; round++) {
      TprocHost host = TprocHost.open();
      inAllThreads(
          thread -> {
            if (thread == 0) {
              host.close();
              return;
            }
            try {
              host.command(Programs.probe("waiter")).start().waitForExit();
            } catch (IllegalStateException e) {
              assertThat(e).hasMessageContaining("closed");
            }
          });
      host.close();
      assertThat(Processes.children()).noneMatch(child -> child.name().equals("waiter"));
    }
  }
}
