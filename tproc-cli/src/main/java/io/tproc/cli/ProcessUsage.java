package io.tproc.cli;

import com.google.common.base.Splitter;
import com.google.common.primitives.Doubles;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What the kernel counts for a process, from /proc/PID/stat (proc(5)).
 *
 * @param threads how many it has
 * @param cpu the time that they have been running, in the program and in the kernel
 * @param start when it was started, since the boot
 */
record ProcessUsage(int threads, Duration cpu, Duration start) {
  // Counted from the field after the command, which is in brackets and may contain anything.
  private static final int USER_TIME = 11;
  private static final int SYSTEM_TIME = 12;
  private static final int THREADS = 17;
  private static final int START = 19;

  /** The kernel's USER_HZ is 100 on x86_64 and on aarch64, whatever its own clock does. */
  private static final long MILLIS_PER_TICK = 10;

  /** Empty when there is no such process, or it must not be seen. */
  static Optional<ProcessUsage> of(long pid) {
    return read("/proc/" + pid + "/stat").flatMap(ProcessUsage::parse);
  }

  static Optional<ProcessUsage> parse(String stat) {
    List<String> fields = Splitter.on(' ').splitToList(stat.substring(stat.lastIndexOf(')') + 2));
    if (fields.size() <= START) {
      return Optional.empty();
    }
    return Optional.of(
        new ProcessUsage(
            Integer.parseInt(fields.get(THREADS)),
            ticks(fields.get(USER_TIME)).plus(ticks(fields.get(SYSTEM_TIME))),
            ticks(fields.get(START))));
  }

  /** The time since the boot, as {@link #start} counts it; empty when it cannot be known. */
  static Optional<Duration> sinceBoot() {
    return read("/proc/uptime")
        .map(text -> Doubles.tryParse(text.substring(0, Math.max(0, text.indexOf(' ')))))
        .map(seconds -> Duration.ofMillis((long) (seconds * 1000)));
  }

  private static Duration ticks(String count) {
    return Duration.ofMillis(Long.parseLong(count) * MILLIS_PER_TICK);
  }

  private static Optional<String> read(String file) {
    @Nullable String text = null;
    try {
      text = Files.readString(Path.of(file), StandardCharsets.ISO_8859_1);
    } catch (IOException gone) {
      // It has ended.
    }
    return Optional.ofNullable(text);
  }
}
