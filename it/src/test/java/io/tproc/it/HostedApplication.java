package io.tproc.it;

import io.tproc.LaunchException;
import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import java.io.IOException;

/** What an application server deploys in {@link RedeployIT}: a host with one program. */
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

  @Override
  public void close() {
    program.close();
    host.close();
  }
}
