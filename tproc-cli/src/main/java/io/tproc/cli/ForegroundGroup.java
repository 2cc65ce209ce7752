package io.tproc.cli;

import com.google.common.base.Splitter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Whether a process is in the foreground of a terminal, as the kernel says in /proc/PID/stat
 * (proc(5)).
 */
final class ForegroundGroup {
  // Counted from the field after the command, which is in brackets and may contain anything.
  private static final int PROCESS_GROUP = 2;
  private static final int TERMINAL = 4;
  private static final int FOREGROUND_GROUP = 5;

  boolean contains(long pid) {
    try {
      return inForeground(
          Files.readString(Path.of("/proc/" + pid + "/stat"), StandardCharsets.ISO_8859_1));
    } catch (IOException unknown) {
      return false;
    }
  }

  static boolean inForeground(String stat) {
    List<String> fields = Splitter.on(' ').splitToList(stat.substring(stat.lastIndexOf(')') + 2));
    return !fields.get(TERMINAL).equals("0")
        && fields.get(PROCESS_GROUP).equals(fields.get(FOREGROUND_GROUP));
  }
}
