package io.tproc.samples;

import io.tproc.ExitStatus;
import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Programs end in all the ways there are, inside the JVM's own address space, and the JVM tells how
 * each of them ended.
 */
public final class CrashSurvivor {
  private CrashSurvivor() {}

  /** Lets four programs crash and two exit. */
  public static void main(String... arguments) throws IOException, InterruptedException {
    try (TprocHost host = TprocHost.open()) {
      for (String mode : new String[] {"segv", "abort", "kill", "overflow"}) {
        System.out.println("crash " + mode + ": " + describe(crash(host, mode)));
      }
      for (String code : new String[] {"0", "255"}) {
        System.out.println("crash exit " + code + ": " + describe(crash(host, "exit", code)));
      }
    }
    System.out.println("the JVM is still here");
  }

  /** Runs the program {@code crash} to its end. */
  static ExitStatus crash(TprocHost host, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(SamplePrograms.path("crash")));
    command.addAll(List.of(arguments));
    try (ThreadProc program = host.command(command).start()) {
      return program.waitForExit();
    }
  }

  /** Says in words how a program ended. */
  static String describe(ExitStatus status) {
    if (status instanceof ExitStatus.Signalled signalled) {
      return "killed by "
          + signalled.signalName()
          + (signalled.coreDumped() ? ", core dumped" : "");
    }
    return "exited with " + ((ExitStatus.Exited) status).code();
  }
}
