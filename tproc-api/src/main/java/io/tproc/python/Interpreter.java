package io.tproc.python;

import io.tproc.ThreadProcBuilder;
import java.io.IOException;
import java.io.InputStream;
import java.lang.ProcessBuilder.Redirect;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * A Python of this machine, as it describes itself.
 *
 * @param executable what is run, and not a script that leads there
 * @param version such as 3.11.2
 * @param isAnywhere whether it is position-independent: one that is not can be hosted once at a
 *     time
 * @param library the same interpreter as a shared library, if there is one
 */
record Interpreter(Path executable, String version, boolean isAnywhere, Optional<Path> library) {
  private static final int OLDEST_MINOR = 8;
  private static final int ELF_TYPE = 16;
  private static final int ET_EXEC = 2;
  private static final int ET_DYN = 3;
  private static final int ELF_MAGIC = 0x464c457f;

  /** Where a shared library is: what was configured, also below Debian's directory. */
  private static final String QUESTION =
      """
      import os, sys, sysconfig
      library, place, machine = [sysconfig.get_config_var(name) or "" for name in ("INSTSONAME", "LIBDIR", "MULTIARCH")]
      files = [os.path.join(each, library) for each in (place, os.path.join(place, machine))]
      files = [each for each in files if ".so" in library and os.path.isfile(each)]
      answers = [sys.implementation.name, "%d.%d.%d" % sys.version_info[:3], sys.executable or "", (files + [""])[0]]
      sys.stdout.write("\\0".join(["tproc"] + answers))
      """;

  private static final int ANSWERS = 5;

  /**
   * Asks a Python, in an ordinary process.
   *
   * @param program its name or path
   * @param settings the environment and the directory that it will have
   * @param limit how long it may take
   */
  static Interpreter ask(String program, ThreadProcBuilder settings, Duration limit)
      throws IOException, InterruptedException {
    Process process = start(program, settings);
    try {
      // Read meanwhile: a full pipe would keep it from its end.
      CompletableFuture<String> outputs = reading(process.getInputStream());
      CompletableFuture<String> complaints = reading(process.getErrorStream());
      if (!process.waitFor(limit.toNanos(), TimeUnit.NANOSECONDS)) {
        throw refused(program, "it has not answered in " + limit, null);
      }
      String output = awaited(program, outputs, limit);
      String errors = awaited(program, complaints, limit);
      if (process.exitValue() != 0) {
        String how = "exit status " + process.exitValue();
        throw refused(program, errors.isBlank() ? how : how + ": " + errors.strip(), null);
      }
      return of(program, output);
    } finally {
      process.destroyForcibly();
      process.getInputStream().close();
      process.getErrorStream().close();
    }
  }

  private static Process start(String program, ThreadProcBuilder settings)
      throws PythonStartException {
    ProcessBuilder builder =
        new ProcessBuilder(List.of(program, "-c", QUESTION)).directory(settings.directory());
    Map<String, String> environment = builder.environment();
    environment.clear();
    environment.putAll(settings.environment());
    try {
      Process process = builder.redirectInput(Redirect.from(Path.of("/dev/null").toFile())).start();
      process.getOutputStream().close();
      return process;
    } catch (IOException missing) {
      throw refused(program, missing.getMessage(), missing);
    }
  }

  private static CompletableFuture<String> reading(InputStream stream) {
    CompletableFuture<String> text = new CompletableFuture<>();
    Thread reader =
        new Thread(
            () -> {
              try {
                text.complete(new String(stream.readAllBytes(), StandardCharsets.UTF_8));
              } catch (IOException | OutOfMemoryError failed) {
                text.completeExceptionally(failed);
              }
            },
            "tproc-python-answer");
    reader.setDaemon(true);
    reader.start();
    return text;
  }

  /** What has ended may have left others with its streams open. */
  private static String awaited(String program, CompletableFuture<String> text, Duration limit)
      throws PythonStartException, InterruptedException {
    try {
      return text.get(limit.toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException stillOpen) {
      throw refused(program, "its output has not ended in " + limit, stillOpen);
    } catch (ExecutionException failed) {
      throw refused(program, "its output cannot be read", failed);
    }
  }

  /** What it says; what a script around it may have printed before is left out. */
  static Interpreter of(String program, String output) throws IOException {
    String[] answers = output.substring(Math.max(0, output.lastIndexOf("tproc\0"))).split("\0", -1);
    if (answers.length != ANSWERS || !answers[0].equals("tproc")) {
      throw refused(program, "it does not answer as Python does", null);
    }
    if (!answers[1].equals("cpython") || isOld(answers[2])) {
      String what = answers[1] + " " + answers[2];
      throw refused(
          program, "CPython 3." + OLDEST_MINOR + " or newer is needed, and it is " + what, null);
    }
    Path executable = Path.of(answers[3]);
    Optional<Path> library =
        answers[4].isEmpty() ? Optional.empty() : Optional.of(Path.of(answers[4]));
    return new Interpreter(executable, answers[2], isAnywhere(program, executable), library);
  }

  private static boolean isOld(String version) {
    String[] parts = version.split("\\.", -1);
    return Integer.parseInt(parts[0]) == 3 && Integer.parseInt(parts[1]) < OLDEST_MINOR;
  }

  private static boolean isAnywhere(String program, Path executable) throws PythonStartException {
    ByteBuffer head = ByteBuffer.allocate(ELF_TYPE + Short.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    try (SeekableByteChannel file = Files.newByteChannel(executable)) {
      while (head.hasRemaining() && file.read(head) >= 0) {}
    } catch (IOException unreadable) {
      String what = "it says that it is '" + executable + "', which cannot be read: " + unreadable;
      throw refused(program, what, unreadable);
    }
    int type = head.getShort(ELF_TYPE);
    if (head.getInt(0) != ELF_MAGIC || type != ET_EXEC && type != ET_DYN) {
      throw refused(program, "its " + executable + " is no program that can be hosted", null);
    }
    return type == ET_DYN;
  }

  private static PythonStartException refused(
      String program, @Nullable String why, @Nullable Throwable cause) {
    return new PythonStartException("cannot use " + program + " as Python: " + why, cause);
  }

  @Override
  public String toString() {
    return "Python " + version + " of " + executable;
  }
}
