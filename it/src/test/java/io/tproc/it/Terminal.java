package io.tproc.it;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A user at a terminal: types, reads what appears, and looks at the terminal's settings. */
final class Terminal implements AutoCloseable {
  private static final Duration LIMIT = Patience.seconds(20);

  /** Wide enough that no shell wraps a line that the tests type. */
  static final String ROWS = "30";

  static final String COLUMNS = "200";

  private final Process driver;
  private final Writer orders;
  private final BlockingQueue<String> replies = new LinkedBlockingQueue<>();

  /** What has appeared and has not been expected yet; under its own monitor. */
  private final StringBuilder screen = new StringBuilder();

  private @Nullable String end;

  private Terminal(Process driver) {
    this.driver = driver;
    this.orders = driver.outputWriter(StandardCharsets.US_ASCII);
    start("screen", this::readScreen);
    start("replies", this::readReplies);
  }

  private static void start(String name, Runnable task) {
    Thread thread = new Thread(task, "terminal " + name);
    thread.setDaemon(true);
    thread.start();
  }

  /** Runs a command on a new terminal. */
  static Terminal running(Map<String, String> environment, List<String> command)
      throws IOException {
    List<String> all = new ArrayList<>(List.of(Programs.probe("terminal"), ROWS, COLUMNS));
    all.addAll(command);
    ProcessBuilder builder = new ProcessBuilder(all);
    builder.environment().put("TERM", "xterm");
    builder.environment().putAll(environment);
    return new Terminal(builder.start());
  }

  static Terminal running(List<String> command) throws IOException {
    return running(Map.of(), command);
  }

  private void readScreen() {
    byte[] bytes = new byte[4096];
    try (InputStream output = driver.getInputStream()) {
      for (int got = output.read(bytes); got >= 0; got = output.read(bytes)) {
        synchronized (screen) {
          screen.append(new String(bytes, 0, got, StandardCharsets.ISO_8859_1));
        }
      }
    } catch (IOException closed) {
      // The test has ended.
    }
  }

  private void readReplies() {
    try (BufferedReader reader = driver.errorReader(StandardCharsets.US_ASCII)) {
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        if (line.startsWith("exited ") || line.startsWith("killed ")) {
          synchronized (this) {
            end = line;
          }
        } else {
          replies.add(line);
        }
      }
    } catch (IOException closed) {
      // The test has ended.
    }
  }

  private void order(String line) throws IOException {
    orders.write(line + "\n");
    orders.flush();
  }

  /** Types; {@code \003} is ^C, {@code \032} ^Z, {@code \004} ^D, {@code \r} Enter. */
  Terminal type(String keys) throws IOException {
    order("input " + HexFormat.of().formatHex(keys.getBytes(StandardCharsets.UTF_8)));
    return this;
  }

  /** Waits until a text appears after what was expected before. */
  Terminal expect(String text) {
    boolean found =
        Patience.until(
            LIMIT,
            () -> {
              synchronized (screen) {
                int at = screen.indexOf(text);
                if (at >= 0) {
                  screen.delete(0, at + text.length());
                }
                return at >= 0;
              }
            });
    if (!found) {
      throw new AssertionError("waited for <" + text + ">, and there is only <" + shown() + ">");
    }
    return this;
  }

  /** What has appeared since the last text that was expected. */
  String shown() {
    synchronized (screen) {
      return screen.toString();
    }
  }

  /** Changes the window's size. */
  Terminal resize(int rows, int columns) throws IOException {
    order("size " + rows + " " + columns);
    return this;
  }

  /** The settings: "cooked echo 30 200", without the foreground process group. */
  String state() throws IOException, InterruptedException {
    order("state");
    String reply = replies.poll(LIMIT.toMillis(), TimeUnit.MILLISECONDS);
    if (reply == null || !reply.startsWith("state ")) {
      throw new AssertionError("no state but " + reply);
    }
    return reply.substring("state ".length(), reply.lastIndexOf(' '));
  }

  /** Waits for the settings. */
  void untilState(String wanted) {
    Patience.untilNothingToComplainOf(
        LIMIT,
        () -> {
          try {
            String state = state();
            return state.startsWith(wanted) ? "" : state + " instead of " + wanted;
          } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
          }
        });
  }

  /** Waits for the command's end: "exited 3" or "killed 9". */
  String end() {
    boolean ended =
        Patience.until(
            LIMIT,
            () -> {
              synchronized (this) {
                return end != null;
              }
            });
    if (!ended) {
      throw new AssertionError("still running; the terminal shows <" + shown() + ">");
    }
    synchronized (this) {
      return String.valueOf(end);
    }
  }

  /** The process that runs on the terminal first. */
  ProcessHandle command() {
    return driver.children().findFirst().orElseThrow();
  }

  @Override
  public void close() throws IOException {
    try {
      orders.close(); // hangs up
    } catch (IOException gone) {
      // It has ended already.
    }
    driver.destroyForcibly();
  }
}
