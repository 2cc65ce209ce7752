package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.tproc.ExitStatus.Exited;
import io.tproc.MemoryMapping;
import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import java.io.BufferedReader;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A threadproc's memory is its own: while it runs, when others are hostile, and after its end. */
@ExtendWith(HostExtension.class)
class MemoryIT {
  private static final int KEPT = 1 << 20;

  /** Above what a forked child may see of the JVM's private memory without being given it. */
  private static final int LARGE = 32 << 20;

  private static final String PROGRAM = Programs.probe("memory");

  private static ThreadProc keeper(TprocHost host) throws Exception {
    return host.command(PROGRAM, "keep", Integer.toString(KEPT)).start();
  }

  private static String attack(TprocHost host, long address, long size) throws Exception {
    return Outcome.hosted(
            host, PROGRAM, "attack", "0x" + Long.toHexString(address), Long.toString(size))
        .output();
  }

  private static final String REFUSED =
      "munmap: EPERM\nmprotect: EACCES\nmadvise: EPERM\nmremap: EFAULT\nmmap: ENOMEM\n"
          + "mremap onto: ENOMEM\n";

  @Test
  void anAddressBelongsToTheProgramThatMappedIt(TprocHost host) throws Exception {
    try (ThreadProc one = keeper(host);
        ThreadProc other = keeper(host);
        BufferedReader ones = one.inputReader();
        BufferedReader others = other.inputReader()) {
      assertThat(host.ownerOf(Long.decode(ones.readLine()))).containsSame(one);
      assertThat(host.ownerOf(Long.decode(others.readLine()))).containsSame(other);
    }
    ByteBuffer own = ByteBuffer.allocateDirect(16);
    assertThat(host.ownerOf(host.addressOf(own))).isEmpty();
    assertThat(host.ownerOf(0)).isEmpty();
    assertThat(host.ownerOf(-1)).isEmpty();
  }

  @Test
  void mappingsAreListedUntilTheHandleIsClosed(TprocHost host) throws Exception {
    ThreadProc program = keeper(host);
    try (program;
        BufferedReader output = program.inputReader()) {
      long address = Long.decode(output.readLine());
      assertThat(program.memory()).anyMatch(mapping -> holds(mapping, address));
      assertThat(program.memory()).extracting(MemoryMapping::name).contains("[stack]", PROGRAM);

      program.getOutputStream().close();
      assertThat(program.waitForExit()).isEqualTo(new Exited(0));

      assertThat(program.memory())
          .as("after the exit")
          .anyMatch(mapping -> holds(mapping, address));
      assertThat(host.view(address, KEPT).get(1)).as("still readable").isEqualTo((byte) 38);
      assertThat(host.ownerOf(address)).containsSame(program);
      program.close();
      ViewsIT.assertGivenBack(host, address);
      assertThatIllegalStateException().isThrownBy(program::memory);
    }
  }

  private static boolean holds(MemoryMapping mapping, long address) {
    return mapping.address() <= address
        && address < mapping.address() + mapping.size()
        && mapping.writable();
  }

  @Test
  void aNeighbourIsOutOfReach(TprocHost host) throws Exception {
    try (ThreadProc neighbour = keeper(host);
        BufferedReader output = neighbour.inputReader()) {
      long address = Long.decode(output.readLine());

      assertThat(attack(host, address, KEPT)).isEqualTo(REFUSED);

      neighbour.getOutputStream().close();
      assertThat(output.readLine()).isEqualTo("unharmed");
    }
  }

  @Test
  void theJvmIsOutOfReach(TprocHost host) throws Exception {
    ByteBuffer buffer = ByteBuffer.allocateDirect(LARGE);
    buffer.put(LARGE - 1, (byte) 9);
    long page = (host.addressOf(buffer) + 4095) & -65536;

    assertThat(attack(host, page, 1 << 20)).isEqualTo(REFUSED);

    assertThat(buffer.get(LARGE - 1)).isEqualTo((byte) 9);
    buffer.putInt(0, 1);
  }

  @Test
  void aFreeAddressOutsideTheSlotCanBeTakenOnceAndIsReturned(TprocHost host) throws Exception {
    String free = "0x200000000"; // 8 GiB: below all slots, and where a JVM of this size has nothing
    Resources before = Resources.now();
    assertThat(Outcome.hosted(host, PROGRAM, "fixed", free, "65536"))
        .returns("mmap: done\n", Outcome::output);
    assertThat(Outcome.hosted(host, PROGRAM, "fixed", free, "65536").output())
        .as("the first one's has been returned")
        .isEqualTo("mmap: done\n");
    before.assertAsBefore();
  }

  @Test
  void twoProgramsMoveTheirBreaksAtOnce(TprocHost host) throws Exception {
    for (int round = 0; round < Patience.scaled(100); round++) {
      List<ThreadProc> programs = new ArrayList<>();
      for (int i = 0; i < 2; i++) {
        programs.add(host.command(PROGRAM, "sbrk", "30").start());
      }
      for (ThreadProc program : programs) {
        assertThat(Outcome.of(program, "")).returns("right\n", Outcome::output);
        program.close();
      }
    }
  }

  @Test
  void aForkedChildSeesTheBuffersThatWereNamed(TprocHost host) throws Exception {
    ByteBuffer given = ByteBuffer.allocateDirect(LARGE);
    given.put(100, (byte) 77);
    host.keepInForks(host.addressOf(given), LARGE);
    String address = "0x" + Long.toHexString(host.addressOf(given) + 100);

    assertThat(Outcome.hosted(host, PROGRAM, "forked", address))
        .returns("byte 77\n", Outcome::output);

    Reference.reachabilityFence(given);
  }

  @Test
  void aForkedChildSeesTheScratchPage(TprocHost host) throws Exception {
    host.scratch().put(10, (byte) 55);
    String address = "0x" + Long.toHexString(host.addressOf(host.scratch()) + 10);

    assertThat(Outcome.hosted(host, PROGRAM, "forked", address))
        .returns("byte 55\n", Outcome::output);
  }

  @Test
  void aForkIsWithoutTheJavaHeap(TprocHost host) throws Exception {
    // An address in the heap: the kernel says where it is.
    String inHeap = "0x" + Long.toHexString(JavaHeap.anAddress());

    // What the heap has grown by is looked for four times a second.
    Patience.untilNothingToComplainOf(
        Patience.seconds(10),
        () -> {
          String output = forked(host, inHeap);
          return output.equals("signal 11\n") ? "" : "a forked child sees the heap: " + output;
        });
  }

  private static String forked(TprocHost host, String address) {
    try {
      return Outcome.hosted(host, PROGRAM, "forked", address).output();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }
}
