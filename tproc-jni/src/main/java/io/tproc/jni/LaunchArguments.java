package io.tproc.jni;

import io.tproc.LaunchException;
import io.tproc.spi.LaunchRequest;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A launch request as bytes, ready for {@link Native#launch}. */
final class LaunchArguments {
  private final byte[] program;
  private final byte @Nullable [] searchPath;
  private final byte[] arguments;
  private final int argumentCount;
  private final byte[] environment;
  private final int environmentCount;
  private final byte @Nullable [] directory;
  private final int umask;
  private final boolean crashReport;
  private final boolean stay;
  private final boolean neverForks;
  private final long heapLimit;

  private LaunchArguments(LaunchRequest request, HostEnvironment host) throws LaunchException {
    this.program = ByteStrings.terminated(request.program(), "the program's name");
    @Nullable String path = System.getenv("PATH");
    this.searchPath = path != null ? ByteStrings.terminated(path, "PATH") : null;
    this.arguments = arguments(request.command());
    this.argumentCount = request.command().size();
    this.environment = environment(request.environment(), host);
    this.environmentCount = request.environment().size();
    @Nullable File workingDirectory = request.directory();
    this.directory =
        workingDirectory != null
            ? ByteStrings.terminated(workingDirectory.getPath(), "the directory's name")
            : null;
    this.umask = request.umask();
    this.crashReport = request.crashReport();
    this.stay = request.stay();
    this.neverForks = request.neverForks();
    this.heapLimit = request.heapLimit();
  }

  /**
   * Encodes a request.
   *
   * @throws LaunchException when a text contains a NUL character
   */
  static LaunchArguments encode(LaunchRequest request, HostEnvironment host)
      throws LaunchException {
    return new LaunchArguments(request, host);
  }

  private static byte[] arguments(List<String> command) throws LaunchException {
    ByteArrayOutputStream block = new ByteArrayOutputStream();
    for (int i = 0; i < command.size(); i++) {
      ByteStrings.append(block, ByteStrings.encode(command.get(i)), "argument " + i);
    }
    return block.toByteArray();
  }

  private static byte[] environment(Map<String, String> variables, HostEnvironment host)
      throws LaunchException {
    ByteArrayOutputStream block = new ByteArrayOutputStream();
    for (Map.Entry<String, String> each : variables.entrySet()) {
      ByteStrings.append(
          block,
          host.bytes(each.getKey(), each.getValue()),
          "the environment variable " + each.getKey());
    }
    return block.toByteArray();
  }

  /** Starts the program; returns a pointer to the threadproc. */
  long launch(long host, Stdio stdio) throws LaunchException {
    return Native.launch(
        host,
        program,
        searchPath,
        arguments,
        argumentCount,
        environment,
        environmentCount,
        directory,
        stdio.input(),
        stdio.output(),
        stdio.error(),
        stdio.carried(),
        umask,
        crashReport,
        stay,
        neverForks,
        heapLimit);
  }
}
