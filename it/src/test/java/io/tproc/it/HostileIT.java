package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.tproc.ExitStatus.Signalled;
import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import java.io.BufferedReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Memory calls aimed at others are refused and change nothing, and a program that ruins its own
 * memory ruins no other's.
 */
@ExtendWith(HostExtension.class)
class HostileIT {
  private static final String PROGRAM = Programs.probe("memory");
  private static final int GUARDED = 256 << 10;
  private static final long PAGES = 64 << 10;

  private static String attack(TprocHost host, long address, long size) throws Exception {
    return Outcome.hosted(
            host, PROGRAM, "attack", "0x" + Long.toHexString(address), Long.toString(size))
        .output();
  }

  private static void assertAllRefused(String answers) {
    assertThat(answers.lines()).hasSize(6).noneMatch(line -> line.endsWith("done"));
  }

  @Test
  void everyKindOfMemoryOfANeighbour(TprocHost host) throws Exception {
    try (ThreadProc guard =
            host.command(Programs.probe("guard"), Integer.toString(GUARDED)).start();
        BufferedReader output = guard.inputReader()) {
      long mapped = Long.decode(output.readLine());
      long heap = Long.decode(output.readLine());
      List<Long> targets = new ArrayList<>(List.of(mapped, (heap + PAGES) & -PAGES));
      guard.memory().forEach(mapping -> targets.add(mapping.address()));
      assertThat(targets).hasSizeGreaterThan(10);

      for (long target : targets) {
        assertAllRefused(attack(host, target, PAGES));
      }

      guard.getOutputStream().close();
      assertThat(output.readLine()).isEqualTo("unharmed");
    }
  }

  @Test
  void theJavaHeap(TprocHost host) throws Exception {
    long heap = (JavaHeap.anAddress() + PAGES) & -PAGES;
    byte[][] kept = new byte[64][1 << 16];
    for (int i = 0; i < kept.length; i++) {
      java.util.Arrays.fill(kept[i], (byte) i);
    }
    for (int at = 0; at < 8; at++) {
      assertAllRefused(attack(host, heap + at * PAGES, PAGES));
    }
    System.gc();
    for (int i = 0; i < kept.length; i++) {
      assertThat(kept[i]).containsOnly((byte) i);
    }
  }

  private static final Pattern OF_LIBJVM =
      Pattern.compile("([0-9a-f]+)-([0-9a-f]+) (.)(.)..*/libjvm\\.so");

  private record Part(long low, long high, boolean readable, boolean writable, String line) {}

  private static List<Part> libjvm() throws Exception {
    List<Part> parts = new ArrayList<>();
    for (String line : Files.readAllLines(Path.of("/proc/self/maps"))) {
      Matcher matcher = OF_LIBJVM.matcher(line);
      if (matcher.matches()) {
        parts.add(
            new Part(
                Long.parseUnsignedLong(matcher.group(1), 16),
                Long.parseUnsignedLong(matcher.group(2), 16),
                matcher.group(3).equals("r"),
                matcher.group(4).equals("w"),
                line));
      }
    }
    return parts;
  }

  /** Of what does not change by itself: code and constants. */
  private static long checksum(TprocHost host, List<Part> parts) {
    CRC32 sum = new CRC32();
    parts.stream()
        .filter(part -> part.readable() && !part.writable())
        .forEach(part -> sum.update(host.view(part.low(), part.high() - part.low())));
    return sum.getValue();
  }

  @Test
  void theJvmsOwnLibrary(TprocHost host) throws Exception {
    List<Part> before = libjvm();
    assertThat(before).hasSizeGreaterThan(2);
    long sum = checksum(host, before);

    for (Part part : before) {
      assertAllRefused(attack(host, part.low(), part.high() - part.low()));
    }

    assertThat(libjvm()).isEqualTo(before);
    assertThat(checksum(host, before)).isEqualTo(sum);
  }

  /** Ranges beyond the end of the addresses of any program, up to the one that wraps around. */
  static Stream<String> whatIsNoAddress() {
    boolean x86 = System.getProperty("os.arch").equals("amd64");
    String firstBeyondTheEnd = x86 ? "0x7ffffffff000" : "0x10000000000000"; // aarch64: 52 bits
    return Stream.of("0xfffffffffffff000", firstBeyondTheEnd, "0xffff800000000000");
  }

  @ParameterizedTest
  @MethodSource
  void whatIsNoAddress(String address, TprocHost host) throws Exception {
    Outcome hosted = Outcome.hosted(host, PROGRAM, "attack", address, "4096");
    assertThat(hosted.exitValue).isZero();
    assertThat(hosted.output().lines()).hasSize(6).noneMatch(line -> line.equals("munmap: done"));
  }

  @Test
  void twoProgramsWantOneAddress(TprocHost host) throws Exception {
    String free = "0x210000000";
    try (ThreadProc first = host.command(PROGRAM, "take", free, "65536").start();
        BufferedReader output = first.inputReader()) {
      assertThat(output.readLine()).isEqualTo("mmap: done");
      assertThat(host.ownerOf(Long.decode(free))).containsSame(first);

      assertThat(Outcome.hosted(host, PROGRAM, "fixed", free, "65536").output())
          .isEqualTo("mmap: ENOMEM\n");
      assertThat(Outcome.hosted(host, PROGRAM, "fixed", "0x210008000", "65536").output())
          .as("partly taken")
          .isEqualTo("mmap: ENOMEM\n");
      assertAllRefused(attack(host, Long.decode(free), 65536));

      first.getOutputStream().close();
      assertThat(output.readLine()).isEqualTo("unharmed");
    }
    assertThat(Outcome.hosted(host, PROGRAM, "fixed", free, "65536").output())
        .as("returned with its owner's handle")
        .isEqualTo("mmap: done\n");
  }

  @Test
  void stackOverflowsHurtOnlyTheCulprit(TprocHost host) throws Exception {
    long rounds = Patience.scaled(200);
    Resources before = Resources.now();
    try (ThreadProc guard =
            host.command(Programs.probe("guard"), Integer.toString(GUARDED)).start();
        BufferedReader output = guard.inputReader()) {
      for (long round = 0; round < rounds; round++) {
        try (ThreadProc culprit = host.command(Programs.sample("crash"), "overflow").start()) {
          assertThat(culprit.waitForExit())
              .isInstanceOfSatisfying(
                  Signalled.class, status -> assertThat(status.signal()).isEqualTo(11));
        }
      }
      assertThat(guard.isAlive()).isTrue();
      guard.getOutputStream().close();
      assertThat(output.skip(0)).isZero();
      assertThat(output.lines().toList()).last().isEqualTo("unharmed");
    }
    before.assertAsBefore();
  }
}
