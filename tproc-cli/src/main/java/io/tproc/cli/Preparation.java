package io.tproc.cli;

import com.google.common.base.Splitter;
import io.tproc.PreparedProgram;
import io.tproc.ThreadProcBuilder;
import io.tproc.TprocHost;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * {@code --prepare COUNT:PROGRAM} and {@code --prepare-ready 'COUNT:PROGRAM ARGUMENT...'}.
 *
 * @param count how many are to wait
 * @param command a path, or a name to look up in PATH; of one that runs until it is ready, with its
 *     arguments
 * @param untilReady whether it runs until it is ready
 */
record Preparation(int count, List<String> command, boolean untilReady) {
  /** Of what is typed. */
  static final class Converter implements ITypeConverter<Preparation> {
    private static final Pattern TYPED = Pattern.compile("([1-9][0-9]{0,3}):(.+)");

    @Override
    public Preparation convert(String typed) {
      Matcher matcher = TYPED.matcher(typed);
      if (!matcher.matches()) {
        throw new TypeConversionException("no COUNT:PROGRAM, as 4:python3: '" + typed + "'");
      }
      return new Preparation(Integer.parseInt(matcher.group(1)), List.of(matcher.group(2)), false);
    }
  }

  /** Of a command that is typed: its words are separated by spaces. */
  static final class CommandConverter implements ITypeConverter<Preparation> {
    private static final Pattern TYPED = Pattern.compile("([1-9][0-9]{0,3}):(\\S.*)");
    private static final Splitter WORDS = Splitter.on(' ').omitEmptyStrings();

    @Override
    public Preparation convert(String typed) {
      Matcher matcher = TYPED.matcher(typed);
      if (!matcher.matches()) {
        throw new TypeConversionException(
            "no COUNT:PROGRAM ARGUMENT..., as '4:python3 worker.py': '" + typed + "'");
      }
      return new Preparation(
          Integer.parseInt(matcher.group(1)), WORDS.splitToList(matcher.group(2)), true);
    }
  }

  /** All of them wait when it returns. */
  static void makeAll(TprocHost host, List<Preparation> all) throws IOException {
    for (Preparation each : all) {
      ThreadProcBuilder builder = host.command(each.command());
      if (each.untilReady()) {
        builder.prepareUntilReady(each.count());
      } else {
        builder.prepare(each.count());
      }
    }
  }

  /** What waits, and what each of them takes. */
  static String ready(PreparedProgram prepared) {
    return String.format(
        Locale.ROOT,
        "prepared %d of %s, %s, %s each in memory",
        prepared.ready(),
        ShellText.escaped(prepared.program()),
        prepared.depth().name().toLowerCase(Locale.ROOT),
        Units.bytes(prepared.resident() / Math.max(1, prepared.ready())));
  }

  /** What became of them. */
  static String outcome(PreparedProgram prepared) {
    return String.format(
        Locale.ROOT,
        "prepared %s: %d started, %d missed, %d changed, %d failed",
        ShellText.escaped(prepared.program()),
        prepared.started(),
        prepared.missed(),
        prepared.changed(),
        prepared.failed());
  }
}
