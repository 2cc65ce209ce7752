package io.tproc.it;

import static io.tproc.library.CType.INT;

import io.tproc.LaunchException;
import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import io.tproc.library.ContainedLibrary;
import io.tproc.library.LibraryPool;
import io.tproc.worker.WorkerPool;
import io.tproc.worker.WorkerRequest;
import java.io.IOException;

/**
 * What an application server deploys in {@link RedeployIT}: a host with one program, and with what
 * Java threads leave something of themselves in.
 */
public final class HostedApplication implements AutoCloseable {
  private final TprocHost host;
  private final ThreadProc program;

  private HostedApplication(TprocHost host, ThreadProc program) {
    this.host = host;
    this.program = program;
  }

  /** Opens a host, and starts a program in it. */
  public static HostedApplication start(String... command) throws IOException {
    TprocHost host = TprocHost.open();
    try {
      host.command("/no/such/program").start();
      throw new AssertionError("that cannot be started");
    } catch (LaunchException expected) { // made by native code
      return new HostedApplication(host, host.command(command).start());
    }
  }

  /** As {@link #start}, and calls a library, a pool of it and a pool of workers. */
  public static HostedApplication startAll(String worker, String library, String... command)
      throws Exception {
    HostedApplication application = start(command);
    try (ContainedLibrary one = application.host.library(library);
        LibraryPool pool = application.host.libraryPool(library, 2);
        WorkerPool workers = application.host.workers(worker).count(1).open()) {
      require(one.function("next_int32", INT, INT).callInt(1) == 2);
      require(pool.function("next_int32", INT, INT).callInt(2) == 3);
      workers.submit(WorkerRequest.of("e")).get();
      return application;
    } catch (Throwable failed) {
      application.close();
      throw failed;
    }
  }

  private static void require(boolean right) {
    if (!right) {
      throw new AssertionError("a wrong result");
    }
  }

  @Override
  public void close() {
    program.close();
    host.close();
  }
}
