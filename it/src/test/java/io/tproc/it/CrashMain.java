package io.tproc.it;

import io.tproc.ThreadProc;
import io.tproc.TprocHost;

/** Hosts one crashing program and prints how it ended. */
final class CrashMain {
  private CrashMain() {}

  public static void main(String[] arguments) throws Exception {
    try (TprocHost host = TprocHost.open();
        ThreadProc program = host.command(Programs.sample("crash"), arguments[0]).start()) {
      System.out.println(program.waitForExit());
    }
  }
}
