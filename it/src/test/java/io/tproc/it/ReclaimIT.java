package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.tproc.ExitStatus;
import io.tproc.ExitStatus.Exited;
import io.tproc.ExitStatus.Signalled;
import io.tproc.MemoryMapping;
import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A program's memory stays readable after its end until its handle is released, and is then given
 * back, all of it.
 */
@ExtendWith(HostExtension.class)
class ReclaimIT {
  private static final int KEPT = 1 << 20;

  private static void assertStillThere(TprocHost host, long address) {
    ByteBuffer memory = host.view(address, KEPT);
    for (int at = 0; at < KEPT; at += 511) {
      assertThat(memory.get(at)).isEqualTo((byte) (at * 31 + 7));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"exits", "is killed"})
  void readableUntilTheHandleIsClosed(String end, TprocHost host) throws Exception {
    Resources before = Resources.now();
    ThreadProc program =
        host.command(Programs.probe("memory"), "keep", Integer.toString(KEPT)).start();
    try (program;
        BufferedReader output = program.inputReader()) {
      long address = Long.decode(output.readLine());
      if (end.equals("exits")) {
        program.getOutputStream().close();
      } else {
        program.destroyForcibly();
      }
      ExitStatus status = program.waitForExit();
      assertThat(status).isInstanceOf(end.equals("exits") ? Exited.class : Signalled.class);
      System.gc();

      assertStillThere(host, address);
      assertThat(host.ownerOf(address)).containsSame(program);
      assertThat(program.memory())
          .extracting(MemoryMapping::name)
          .contains("[stack]", Programs.probe("memory"));

      program.close();
      ViewsIT.assertGivenBack(host, address);
      assertThat(isMapped(address)).isFalse();
    }
    before.assertAsBefore();
  }

  private static boolean isMapped(long address) {
    try (Stream<String> lines = Files.lines(Path.of("/proc/self/maps"))) {
      return lines
          .map(line -> line.substring(0, line.indexOf(' ')).split("-"))
          .anyMatch(
              range ->
                  Long.parseUnsignedLong(range[0], 16) <= address
                      && address < Long.parseUnsignedLong(range[1], 16));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void whatNobodyKeepsIsGivenBackByTheCollector(TprocHost host) throws Exception {
    Resources before = Resources.now();
    long address = addressInADroppedProgram(host);
    Patience.untilNothingToComplainOf(
        Patience.seconds(30),
        () -> {
          System.gc();
          return host.ownerOf(address).isEmpty() && !isMapped(address)
              ? ""
              : "its memory is still there";
        });
    before.assertAsBefore();
  }

  /** In a method of its own, so that no frame keeps the handle. */
  private static long addressInADroppedProgram(TprocHost host) throws Exception {
    ThreadProc program =
        host.command(Programs.probe("memory"), "keep", Integer.toString(KEPT)).start();
    long address = Long.decode(program.inputReader().readLine());
    program.getOutputStream().close();
    program.waitForExit();
    assertStillThere(host, address);
    return address;
  }

  @Test
  void aRunningProgramThatNobodyKeepsGoesOn(TprocHost host) throws Exception {
    long pid = host.command(Programs.probe("waiter")).start().pid();
    for (int i = 0; i < 5; i++) {
      System.gc();
    }
    assertThat(Processes.isRunning(pid)).isTrue();
    ThreadProc found =
        host.running().stream().filter(any -> any.pid() == pid).findFirst().orElseThrow();
    found.close();
    assertThat(Processes.isRunning(pid)).isFalse();
  }

  @Test
  void closingTheHostGivesBackEverything() throws Exception {
    TprocHost.open().close();
    Resources before = Resources.now();
    ThreadProc ended;
    try (TprocHost host = TprocHost.open()) {
      ended = host.command(Programs.nothing()).start();
      ended.waitForExit();
      for (int i = 0; i < 5; i++) {
        host.command(Programs.probe("storm"), "3").start().inputReader().readLine();
      }
    }
    assertThat(ended.exitStatus()).contains(new Exited(0));
    before.assertAsBefore();
  }

  /** Fifty threads, each amid mmap, munmap or mremap. */
  @Test
  void ofManyThreadsKilledAmidTheirCalls(TprocHost host) throws Exception {
    Resources before = Resources.now();
    for (long round = 0; round < Patience.scaled(10); round++) {
      try (ThreadProc program = host.command(Programs.probe("storm"), "50").start();
          BufferedReader output = program.inputReader()) {
        assertThat(output.readLine()).isEqualTo("busy");
        program.destroyForcibly();
        assertThat(program.waitForExit()).isEqualTo(new Signalled(9, false));
      }
      assertThat(Outcome.hosted(host, Programs.nothing()).exitValue).isZero();
    }
    before.assertAsBefore();
  }
}
