package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.tproc.LaunchException;
import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * ELF files whose headers lie. Each is either refused with a LaunchException that names it, or
 * becomes a process that ends badly on its own; the host goes on in any case, and nothing is left
 * behind.
 */
@ExtendWith(HostExtension.class)
class CorruptImageIT {
  private static final long[] EXTREMES = {
    0,
    1,
    7,
    0xfff,
    0x1000,
    0x7fffffff,
    0x80000000L,
    0xffffffffL,
    1L << 40,
    1L << 47,
    Long.MAX_VALUE,
    -1,
    -4096
  };

  @TempDir Path directory;

  private interface Damage {
    void to(Elf elf, long value);
  }

  private record Case(String name, Elf elf) {}

  @Test
  void liesAreRefusedOrEndBadlyAlone(TprocHost host) throws Exception {
    int refused = 0;
    Outcome.hosted(host, Programs.probe("nothing"));
    Resources before = Resources.now();
    List<Case> cases = cases();
    for (Case damaged : cases) {
      Path file = damaged.elf.write(directory.resolve("damaged"));
      try (ThreadProc program = host.command(file.toString()).start()) {
        // A header that is wrong may still be one the kernel would take: what counts is that it
        // ends or can be ended.
        if (!program.waitFor(Patience.seconds(2).toMillis(), TimeUnit.MILLISECONDS)) {
          program.destroyForcibly();
        }
      } catch (LaunchException e) {
        assertThat(e).as(damaged.name).hasMessageContaining(file.toString());
        assertThat(e.errno()).as(damaged.name).isPositive();
        refused++;
      }
    }
    System.out.println(
        refused + " of " + cases.size() + " damaged programs were refused, the others started");
    assertThat(refused).isGreaterThan(cases.size() / 3);
    assertThat(Outcome.hosted(host, Programs.probe("arguments"), "fine").exitValue).isZero();
    before.assertAsBefore();
  }

  private static List<Case> cases() throws Exception {
    List<Case> cases = new ArrayList<>();
    add(cases, "e_phoff", (elf, value) -> elf.setLong(Elf.E_PHOFF, value));
    add(cases, "e_entry", (elf, value) -> elf.setLong(Elf.E_ENTRY, value));
    add(cases, "e_phnum", (elf, value) -> elf.setShort(Elf.E_PHNUM, (int) value));
    add(cases, "e_phentsize", (elf, value) -> elf.setShort(Elf.E_PHENTSIZE, (int) value));
    add(cases, "e_type", (elf, value) -> elf.setShort(Elf.E_TYPE, (int) value));
    for (int type : new int[] {Elf.PT_LOAD, Elf.PT_INTERP, Elf.PT_PHDR, Elf.PT_DYNAMIC}) {
      for (int field :
          new int[] {Elf.P_OFFSET, Elf.P_VADDR, Elf.P_FILESZ, Elf.P_MEMSZ, Elf.P_ALIGN}) {
        add(
            cases,
            "type " + type + " field " + field,
            (elf, value) -> elf.setLong(elf.header(type) + field, value));
      }
    }
    add(
        cases,
        "last segment's p_memsz",
        (elf, value) -> elf.setLong(lastSegment(elf) + Elf.P_MEMSZ, value));
    add(
        cases,
        "last segment's p_filesz",
        (elf, value) -> elf.setLong(lastSegment(elf) + Elf.P_FILESZ, value));
    add(
        cases,
        "last segment's p_vaddr",
        (elf, value) -> elf.setLong(lastSegment(elf) + Elf.P_VADDR, value));
    for (int offset = 0; offset < Elf.HEADER_SIZE; offset += 3) {
      cases.add(new Case("byte " + offset, original().setByte(offset, 0xff)));
    }
    Random random = new Random(20);
    for (int i = 0; i < 60; i++) {
      Elf elf = original();
      for (int j = 0; j < 4; j++) {
        elf.setByte(Elf.HEADER_SIZE + random.nextInt(500), random.nextInt(256));
      }
      cases.add(new Case("random " + i, elf));
    }
    return cases;
  }

  private static int lastSegment(Elf elf) {
    List<Integer> segments = elf.headers(Elf.PT_LOAD);
    return segments.get(segments.size() - 1);
  }

  private static void add(List<Case> cases, String name, Damage damage) throws Exception {
    for (long value : EXTREMES) {
      Elf elf = original();
      damage.to(elf, value);
      cases.add(new Case(name + " = " + Long.toHexString(value), elf));
    }
  }

  private static Elf original() throws Exception {
    return Elf.of(Programs.probe("nothing"));
  }
}
