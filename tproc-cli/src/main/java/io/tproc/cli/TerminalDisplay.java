package io.tproc.cli;

import com.google.common.base.Splitter;
import com.google.common.primitives.Ints;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A terminal, whose screen shows the last text only. Keys are read one by one, without an echo,
 * while it is open. Java can set no terminal, so stty(1) does; without it, q takes an Enter.
 */
final class TerminalDisplay implements Display {
  private static final Pattern TERMINALS = Pattern.compile("/dev/(pts/|tty|console).*");
  private static final Splitter WORDS = Splitter.on(' ').omitEmptyStrings().trimResults();

  private static final String HOME = "\033[H";
  private static final String CLEAR_LINE = "\033[K";
  private static final String CLEAR_BELOW = "\033[J";

  private static final int USUAL_ROWS = 24;
  private static final int USUAL_COLUMNS = 80;

  private final Runnable onQuit;
  private final Optional<String> before;
  private int rows;
  private int columns;

  private TerminalDisplay(Runnable onQuit, Optional<String> before) {
    this.onQuit = onQuit;
    this.before = before;
  }

  /** Whether one of this process's descriptors is a terminal. */
  static boolean isTerminal(int descriptor) {
    try {
      Path file = Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor));
      return TERMINALS.matcher(file.toString()).matches();
    } catch (IOException unknown) {
      return false;
    }
  }

  /** Takes over the terminal; runs {@code onQuit} when the user types q. */
  static TerminalDisplay open(Runnable onQuit) {
    TerminalDisplay display = new TerminalDisplay(onQuit, stty("-g"));
    display.prepare();
    if (isTerminal(0)) {
      Thread keys = new Thread(display::readKeys, "keys");
      keys.setDaemon(true);
      keys.start();
    }
    return display;
  }

  /** Again and again: a shell may have set the terminal while this process was stopped. */
  private void prepare() {
    if (before.isPresent()) {
      stty("-icanon", "-echo");
    }
    List<Integer> size =
        WORDS
            .splitToStream(stty("size").orElse(""))
            .map(Ints::tryParse)
            .map(number -> number == null ? 0 : number)
            .toList();
    rows = size.size() == 2 && size.get(0) > 0 ? size.get(0) : USUAL_ROWS;
    columns = size.size() == 2 && size.get(1) > 0 ? size.get(1) : USUAL_COLUMNS;
  }

  private static Optional<String> stty(String... settings) {
    List<String> command = new ArrayList<>(List.of("stty"));
    command.addAll(List.of(settings));
    try {
      Process stty =
          new ProcessBuilder(command)
              .redirectInput(new File("/dev/tty"))
              .redirectError(Redirect.DISCARD)
              .start();
      String output;
      try (InputStream all = stty.getInputStream()) {
        output = new String(all.readAllBytes(), StandardCharsets.US_ASCII).strip();
      }
      return stty.waitFor() == 0 ? Optional.of(output) : Optional.empty();
    } catch (IOException without) {
      return Optional.empty();
    } catch (InterruptedException ended) {
      Thread.currentThread().interrupt();
      return Optional.empty();
    }
  }

  private void readKeys() {
    try {
      int key = System.in.read();
      while (key >= 0 && key != 'q' && key != 'Q') {
        key = System.in.read();
      }
      if (key >= 0) {
        onQuit.run();
      }
    } catch (IOException hungUp) {
      // SIGHUP says so.
    }
  }

  @Override
  public int width() {
    return columns;
  }

  /** As many lines as the screen has but one, so that the last newline does not scroll it. */
  @Override
  public String show(String text) {
    prepare();
    return frame(text, rows - 1);
  }

  static String frame(String text, int rows) {
    return text.lines()
        .limit(Math.max(rows, 1))
        .map(line -> line + CLEAR_LINE + "\r\n")
        .collect(Collectors.joining("", HOME, CLEAR_BELOW));
  }

  @Override
  public void close() {
    @Nullable String saved = before.orElse(null);
    if (saved != null) {
      stty(saved);
    }
  }
}
