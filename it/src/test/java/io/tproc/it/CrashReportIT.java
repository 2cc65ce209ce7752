package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tproc.CrashReport;
import io.tproc.ExitStatus.Exited;
import io.tproc.ExitStatus.Signalled;
import io.tproc.LaunchException;
import io.tproc.MemoryMapping;
import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import io.tproc.share.SharedBlock;
import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A crash is explained: where the program was, what it accessed, and whose that is. */
@ExtendWith(HostExtension.class)
class CrashReportIT {
  private static final int SIGSEGV = 11;
  private static final int SIGABRT = 6;

  /** A JVM that may not trace its children can say so, and no more. */
  @BeforeAll
  static void itMayTrace(TprocHost host) throws Exception {
    try (ThreadProc program = host.command(Programs.probe("nothing")).crashReport(true).start()) {
      assertThat(program.waitForExit()).isEqualTo(new Exited(0));
    } catch (LaunchException refused) {
      assertThat(refused).hasMessageContaining("trace it for a crash report (PTRACE_SEIZE");
      assumeTrue(false, "skipped: a process may not trace another here");
    }
  }

  private static CrashReport crash(TprocHost host, String... command) throws Exception {
    try (ThreadProc program = host.command(command).crashReport(true).start()) {
      assertThat(program.waitForExit()).isInstanceOf(Signalled.class);
      return program.crashReport().orElseThrow();
    }
  }

  private static CrashReport stray(TprocHost host, String how, long address) throws Exception {
    return crash(host, Programs.probe("stray"), how, Long.toHexString(address));
  }

  @Test
  void aNullPointer(TprocHost host) throws Exception {
    CrashReport report = stray(host, "write", 16);

    assertThat(report.signal()).isEqualTo(SIGSEGV);
    assertThat(report.codeName()).isEqualTo("SEGV_MAPERR");
    assertThat(report.address()).hasValue(16);
    assertThat(report.owner()).isEqualTo("null pointer");
    assertThat(report.file()).isEqualTo(Programs.probe("stray"));
    assertThat(report.stackOverflow()).isFalse();
    assertThat(report.registers().values())
        .contains(report.programCounter(), report.stackPointer());
    assertThat(report.toString())
        .startsWith("SIGSEGV (SEGV_MAPERR), accessing 0x10 (null pointer), in ")
        .contains("/stray+0x" + Long.toHexString(report.offset()));
  }

  @Test
  void theOffsetIsWhatAddr2lineWants(TprocHost host) throws Exception {
    String addr2line = Programs.installed("addr2line");
    CrashReport report = stray(host, "write", 16);
    Process asked =
        new ProcessBuilder(
                addr2line, "-i", "-f", "-e", report.file(), Long.toHexString(report.offset()))
            .start();

    assertThat(new String(asked.getInputStream().readAllBytes())).contains("write_there");
  }

  @Test
  void inAThreadOfTheProgram(TprocHost host) throws Exception {
    try (ThreadProc program =
        host.command(Programs.probe("stray"), "thread", "10").crashReport(true).start()) {
      assertThat(program.waitForExit()).isInstanceOf(Signalled.class);
      CrashReport report = program.crashReport().orElseThrow();

      assertThat(report.thread()).isNotEqualTo(program.pid());
      assertThat(report.file()).endsWith("/stray");
    }
  }

  @Test
  void aNeighboursMemory(TprocHost host) throws Exception {
    try (ThreadProc neighbour = host.command(Programs.probe("waiter")).start()) {
      neighbour.inputReader().readLine();
      CrashReport report = stray(host, "write", readOnly(neighbour.memory()));

      assertThat(report.owner()).isEqualTo("pid " + neighbour.pid());
      assertThat(report.codeName()).isEqualTo("SEGV_ACCERR");
    }
  }

  private static long readOnly(List<MemoryMapping> memory) {
    return memory.stream()
        .filter(each -> each.readable() && !each.writable() && each.name().startsWith("/"))
        .findFirst()
        .orElseThrow()
        .address();
  }

  @Test
  void theJvmsLibraryItsMemoryAndTheSharedHeap(TprocHost host) throws Exception {
    assertThat(stray(host, "write", libjvm()).owner())
        .startsWith("the JVM's /")
        .endsWith("/libjvm.so");
    ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 16);
    assertThat(stray(host, "jump", host.addressOf(buffer)).owner())
        .isIn("the JVM's memory", "the JVM's [heap]");
    Reference.reachabilityFence(buffer);
    try (SharedBlock block = host.heap().allocate(64)) {
      CrashReport report = stray(host, "jump", block.address());

      assertThat(report.owner()).isEqualTo("the shared heap");
      assertThat(report.programCounter()).isEqualTo(block.address());
      assertThat(report.file()).isEmpty();
    }
  }

  private static long libjvm() throws IOException {
    return Files.readAllLines(Path.of("/proc/self/maps")).stream()
        .filter(line -> line.endsWith("/libjvm.so") && line.contains(" r-xp "))
        .map(line -> Long.parseLong(line.substring(0, line.indexOf('-')), 16))
        .findFirst()
        .orElseThrow();
  }

  /** Below everything that a kernel places by itself, and above what counts as a null pointer. */
  @Test
  void whatIsNotMapped(TprocHost host) throws Exception {
    assertThat(stray(host, "write", 0x30000).owner()).isEqualTo("not mapped");
  }

  @Test
  void aStackOverflow(TprocHost host) throws Exception {
    CrashReport report = crash(host, Programs.sample("crash"), "overflow");

    assertThat(report.stackOverflow()).isTrue();
    assertThat(report.toString()).contains("stack overflow, accessing 0x");
  }

  @Test
  void anAbort(TprocHost host) throws Exception {
    CrashReport report = crash(host, Programs.sample("crash"), "abort");

    assertThat(report.signal()).isEqualTo(SIGABRT);
    assertThat(report.codeName()).isEqualTo("SI_TKILL");
    assertThat(report.address()).isEmpty();
    assertThat(report.file()).contains("/libc");
  }

  @Test
  void noneOfWhatExitsIsKilledOrWasNotAskedFor(TprocHost host) throws Exception {
    try (ThreadProc exited =
            host.command(Programs.sample("crash"), "exit", "3").crashReport(true).start();
        ThreadProc killed =
            host.command(Programs.sample("crash"), "kill").crashReport(true).start();
        ThreadProc unasked = host.command(Programs.sample("crash"), "segv").start()) {
      assertThat(exited.waitForExit()).isEqualTo(new Exited(3));
      assertThat(killed.waitForExit().exitValue()).isEqualTo(128 + 9);
      assertThat(unasked.waitForExit().exitValue()).isEqualTo(128 + SIGSEGV);
      assertThat(List.of(exited, killed, unasked))
          .extracting(ThreadProc::crashReport)
          .containsOnly(Optional.empty());
    }
  }

  /** It has done nothing wrong, though the signal is that of a wrong pointer. */
  @Test
  void noneOfWhatAnotherProcessKills(TprocHost host) throws Exception {
    try (ThreadProc program = host.command(Programs.probe("waiter")).crashReport(true).start()) {
      program.inputReader().readLine();
      program.signal(SIGSEGV);

      assertThat(program.waitForExit().exitValue()).isEqualTo(128 + SIGSEGV);
      assertThat(program.crashReport()).isEmpty();
    }
  }

  @Test
  void itStaysKnownWhenTheProgramIsClosed(TprocHost host) throws Exception {
    ThreadProc program = host.command(Programs.sample("crash"), "segv").crashReport(true).start();
    program.waitForExit();
    program.close();

    assertThat(program.crashReport()).isPresent();
  }

  @Test
  void isOneLineOfTheLog(TprocHost host) throws Exception {
    try (LoggedLines lines = LoggedLines.listen();
        ThreadProc program =
            host.command(Programs.probe("stray"), "write", "10").crashReport(true).start()) {
      program.waitForExit();
      lines.await(
          Programs.probe("stray")
              + " (pid "
              + program.pid()
              + ") crashed: "
              + program.crashReport().orElseThrow());
    }
  }

  @Test
  void aJvmWorksAsWithout(TprocHost host) throws Exception {
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    assumeTrue(Programs.isHostable(Path.of(java)), "skipped: this java is not hostable");
    // A JVM lives on signals that it handles itself: null checks, safepoints, stack banging.
    try (ThreadProc program =
        host.command(java, "-Xmx64m", "-XX:+UseSerialGC", "-version").crashReport(true).start()) {
      var ignored = program.inputReader().lines().toList();
      assertThat(program.waitForExit()).isEqualTo(new Exited(0));
      assertThat(program.crashReport()).isEmpty();
    }
  }

  @Test
  void aClosedHostEndsWhatItTraces() throws Exception {
    ThreadProc program;
    try (TprocHost host = TprocHost.open()) {
      program = host.command(Programs.probe("waiter")).crashReport(true).start();
      program.inputReader().readLine();
    }
    assertThat(program.exitStatus()).contains(new Signalled(9, false));
    assertThatExceptionOfType(IllegalStateException.class).isThrownBy(program::memory);
  }
}
