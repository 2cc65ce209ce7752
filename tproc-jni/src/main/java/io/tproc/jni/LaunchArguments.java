package io.tproc.jni;

import io.tproc.LaunchException;
import io.tproc.ResourceLimit;
import io.tproc.spi.LaunchRequest;
import io.tproc.spi.StartState;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.FileDescriptor;
import java.lang.ref.Reference;
import java.util.BitSet;
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
  private boolean spill;
  private final long heapLimit;
  private final StartState state;

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
    this.spill = request.spill();
    this.heapLimit = request.heapLimit();
    this.state = request.state();
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

  /** Whether it becomes an ordinary process where its addresses are taken. */
  LaunchArguments spilling(boolean does) {
    spill = does;
    return this;
  }

  /** Starts the program; returns a pointer to the threadproc. */
  long launch(long host, Stdio stdio) throws LaunchException {
    try {
      return launchWith(host, stdio);
    } finally {
      // A descriptor whose object is gone is closed by the collector.
      Reference.reachabilityFence(state);
    }
  }

  private long launchWith(long host, Stdio stdio) throws LaunchException {
    @Nullable Integer nice = state.nice();
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
        spill,
        heapLimit,
        state.session(),
        nice != null ? nice : Native.HOST_NICE,
        limits(),
        cpus(),
        descriptors());
  }

  /** Has the program started ahead. */
  void prepare(long host, int count, long ageMax) throws LaunchException {
    prepare(host, count, ageMax, Native.NOT_UNTIL_READY);
  }

  /** The same, until it is ready. */
  void prepare(long host, int count, long ageMax, long patience) throws LaunchException {
    Native.prepare(
        host,
        program,
        searchPath,
        arguments,
        argumentCount,
        environment,
        environmentCount,
        directory,
        stay,
        neverForks,
        limits(),
        count,
        ageMax,
        patience);
  }

  private long @Nullable [] limits() {
    if (state.limits().isEmpty()) {
      return null;
    }
    long[] limits = new long[3 * state.limits().size()];
    int at = 0;
    for (Map.Entry<ResourceLimit, StartState.Limit> each : state.limits().entrySet()) {
      limits[at++] = each.getKey().number();
      limits[at++] = each.getValue().soft();
      limits[at++] = each.getValue().hard();
    }
    return limits;
  }

  private long @Nullable [] cpus() {
    if (state.cpus().isEmpty()) {
      return null;
    }
    BitSet cpus = new BitSet();
    state.cpus().forEach(cpus::set);
    return cpus.toLongArray();
  }

  private int @Nullable [] descriptors() {
    if (state.descriptors().isEmpty()) {
      return null;
    }
    int[] descriptors = new int[2 * state.descriptors().size()];
    int at = 0;
    for (Map.Entry<Integer, FileDescriptor> each : state.descriptors().entrySet()) {
      descriptors[at++] = each.getKey();
      descriptors[at++] = Native.number(each.getValue());
    }
    return descriptors;
  }
}
