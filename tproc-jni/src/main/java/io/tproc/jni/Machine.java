package io.tproc.jni;

import io.tproc.TprocUnavailableException;
import java.util.Locale;

/** The machines that there is a native library for. */
enum Machine {
  X86_64("linux-x86_64", "natives/linux_64/"),
  AARCH64("linux-aarch64", "natives/linux_arm64/");

  /** Classifier of the jar with this machine's library. */
  final String classifier;

  /** Where the library is in that jar. */
  final String folder;

  Machine(String classifier, String folder) {
    this.classifier = classifier;
    this.folder = folder;
  }

  /**
   * The machine that an operating system and an architecture name.
   *
   * @param os as the property os.name
   * @param arch as the property os.arch
   * @throws TprocUnavailableException when hosting is impossible there
   */
  static Machine of(String os, String arch) {
    if (!os.equals("Linux")) {
      throw new TprocUnavailableException(
          "tproc needs Linux (clone, seccomp and pidfd), and this is "
              + os
              + ": run it on a Linux machine or in a VM");
    }
    return switch (arch.toLowerCase(Locale.ROOT)) {
      case "amd64", "x86_64" -> X86_64;
      case "aarch64" -> AARCH64;
      default ->
          throw new TprocUnavailableException(
              "tproc runs on x86_64 and aarch64, and this JVM is for "
                  + arch
                  + ": use a 64-bit JVM on such a machine");
    };
  }
}
