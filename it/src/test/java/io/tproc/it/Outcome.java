package io.tproc.it;

import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * What a program did, seen from outside: its exit value and all it wrote. Comparable between hosted
 * and native runs.
 *
 * <p>{@code assertThat(outcome).returns(text, Outcome::output)} shows all of it when it fails: that
 * a program said nothing is explained by the signal that killed it.
 */
final class Outcome {
  private static final Duration LIMIT = Patience.seconds(120);

  final int exitValue;
  private final byte[] output;
  private final byte[] error;

  private Outcome(int exitValue, byte[] output, byte[] error) {
    this.exitValue = exitValue;
    this.output = output;
    this.error = error;
  }

  /** Runs a program in the host to its end, without input. */
  static Outcome hosted(TprocHost host, String... command)
      throws IOException, InterruptedException {
    return hosted(host, List.of(command));
  }

  /** Runs a program in the host to its end, without input. */
  static Outcome hosted(TprocHost host, List<String> command)
      throws IOException, InterruptedException {
    try (ThreadProc program = host.command(command).start()) {
      return of(program, "");
    }
  }

  /** Runs the same program as an ordinary child process. */
  static Outcome natively(String... command) throws IOException, InterruptedException {
    return natively(List.of(command));
  }

  /** Runs the same program as an ordinary child process. */
  static Outcome natively(List<String> command) throws IOException, InterruptedException {
    return of(new ProcessBuilder(command).start(), "");
  }

  /**
   * Feeds a running program its input, collects its output, and waits for its end. Kills it when it
   * takes too long.
   */
  static Outcome of(Process program, String input) throws IOException, InterruptedException {
    return of(program, input.getBytes(StandardCharsets.UTF_8));
  }

  /**
   * Feeds a running program its input, collects its output, and waits for its end. Kills it when it
   * takes too long.
   */
  static Outcome of(Process program, byte[] input) throws IOException, InterruptedException {
    CompletableFuture<byte[]> output = reading(program.getInputStream());
    CompletableFuture<byte[]> error = reading(program.getErrorStream());
    try (OutputStream stdin = program.getOutputStream()) {
      stdin.write(input);
    } catch (IOException e) {
      // The program need not read all of its input: EPIPE is then what a shell's pipeline would
      // see, too.
      if (input.length == 0) {
        throw e;
      }
    }
    if (!program.waitFor(LIMIT.toMillis(), TimeUnit.MILLISECONDS)) {
      program.destroyForcibly().waitFor();
      throw new AssertionError(
          "still running after "
              + LIMIT
              + ": "
              + program
              + "; it wrote:\n"
              + text(output.join())
              + text(error.join()));
    }
    return new Outcome(program.exitValue(), output.join(), error.join());
  }

  private static CompletableFuture<byte[]> reading(InputStream stream) {
    CompletableFuture<byte[]> all = new CompletableFuture<>();
    Thread reader =
        new Thread(
            () -> {
              try {
                all.complete(stream.readAllBytes());
              } catch (IOException e) {
                all.completeExceptionally(new UncheckedIOException(e));
              }
            },
            "output of a program");
    reader.setDaemon(true);
    reader.start();
    return all;
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }

  /** All it wrote to standard output, as UTF-8. */
  String output() {
    return text(output);
  }

  /** All it wrote to standard output. */
  byte[] outputBytes() {
    return output.clone();
  }

  /** All it wrote to standard error, as UTF-8. */
  String error() {
    return text(error);
  }

  /** The NUL-terminated strings it wrote to standard output. */
  List<String> strings() {
    String all = output();
    if (all.isEmpty()) {
      return List.of();
    }
    if (!all.endsWith("\0")) {
      throw new AssertionError("does not end with NUL: " + all);
    }
    return Arrays.asList(all.substring(0, all.length() - 1).split("\0", -1));
  }

  /** The "name=value" lines it wrote to standard output. */
  Map<String, String> values() {
    Map<String, String> values = new LinkedHashMap<>();
    for (String line : output().split("\n", -1)) {
      int separator = line.indexOf('=');
      if (separator > 0) {
        values.put(line.substring(0, separator), line.substring(separator + 1).strip());
      }
    }
    return values;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Outcome that
        && exitValue == that.exitValue
        && Arrays.equals(output, that.output)
        && Arrays.equals(error, that.error);
  }

  @Override
  public int hashCode() {
    return exitValue * 31 + Arrays.hashCode(output);
  }

  @Override
  public String toString() {
    return "exit value " + exitValue + ", output:\n" + output() + "\nerror output:\n" + error();
  }
}
