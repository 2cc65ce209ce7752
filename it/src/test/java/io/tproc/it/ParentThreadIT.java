package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A threadproc depends on its host's process, not on the thread that launched it. */
@ExtendWith(HostExtension.class)
class ParentThreadIT {
  @Test
  void theLaunchingThreadMayEnd(TprocHost host) throws Exception {
    CompletableFuture<ThreadProc> launched = new CompletableFuture<>();
    Thread launcher =
        new Thread(
            () -> {
              try {
                launched.complete(host.command(Programs.probe("copy")).start());
              } catch (Exception e) {
                launched.completeExceptionally(e);
              }
            },
            "launcher that ends");
    launcher.start();
    launcher.join();
    try (ThreadProc program = launched.get()) {
      // The Java thread has ended; its native thread is gone a moment later.
      assertThat(
              Patience.until(Patience.seconds(10), () -> !Resources.hasThread(launcher.getName())))
          .isTrue();
      assertThat(program.isAlive()).isTrue();
      assertThat(Outcome.of(program, "alive")).returns("alive", Outcome::output);
    }
  }
}
