package io.tproc.jni;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What is known about a running threadproc. Its command cannot come from /proc: there it is a
 * property of the address space, so every threadproc shows the host's.
 */
final class ThreadProcInfo implements ProcessHandle.Info {
  private final String executable;
  private final List<String> arguments;
  private final ProcessHandle.Info kernel;

  /**
   * @param executed the executable's path, and what stands before the command's second word
   * @param command as it was given
   */
  ThreadProcInfo(List<String> executed, List<String> command, ProcessHandle.Info kernel) {
    this.executable = executed.get(0);
    List<String> words = new ArrayList<>(executed.subList(2, executed.size()));
    words.addAll(command.subList(1, command.size()));
    this.arguments = words;
    this.kernel = kernel;
  }

  @Override
  public Optional<String> command() {
    return Optional.of(executable);
  }

  @Override
  public Optional<String> commandLine() {
    return Optional.of(executable + " " + String.join(" ", arguments)); // as the JDK joins them
  }

  @Override
  public Optional<String[]> arguments() {
    return Optional.of(arguments.toArray(String[]::new));
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
