package io.tproc.jni;

import io.tproc.spi.LaunchRequest;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * What is known about a running threadproc. Its command cannot come from /proc: there it is a
 * property of the address space, so every threadproc shows the host's.
 */
final class ThreadProcInfo implements ProcessHandle.Info {
  private final LaunchRequest request;
  private final ProcessHandle.Info kernel;

  ThreadProcInfo(LaunchRequest request, ProcessHandle.Info kernel) {
    this.request = request;
    this.kernel = kernel;
  }

  @Override
  public Optional<String> command() {
    return Optional.of(request.program());
  }

  @Override
  public Optional<String> commandLine() {
    return Optional.of(String.join(" ", request.command()));
  }

  @Override
  public Optional<String[]> arguments() {
    List<String> command = request.command();
    return Optional.of(command.subList(1, command.size()).toArray(String[]::new));
  }

  @Override
  public Optional<Instant> startInstant() {
    return kernel.startInstant();
  }

  @Override
  public Optional<Duration> totalCpuDuration() {
    return kernel.totalCpuDuration();
  }

  @Override
  public Optional<String> user() {
    return kernel.user();
  }

  @Override
  public String toString() {
    return "[user: " + user() + ", cmd: " + commandLine() + ", startTime: " + startInstant() + "]";
  }
}
