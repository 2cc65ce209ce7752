package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import io.tproc.TprocHost;
import io.tproc.library.ContainedLibrary;
import io.tproc.library.LibraryLoadException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What libraries of the distribution give in an ordinary process: natively.py says how. */
final class Natively {
  private Natively() {}

  /** What a task prints that an ordinary Python does with the same library. */
  static String result(String... taskLibraryArguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(Programs.installed("python3"), "-c", script()));
    command.addAll(List.of(taskLibraryArguments));
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).isZero();
    return printed.strip();
  }

  private static String script() throws IOException {
    try (InputStream text = Natively.class.getResourceAsStream("/natively/natively.py")) {
      return new String(text.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  /** The first of these libraries that is on this machine: releases differ in their numbers. */
  static ContainedLibrary open(TprocHost host, String... names) throws IOException {
    for (String name : names) {
      try {
        return host.library(name);
      } catch (LibraryLoadException missing) {
        if (!missing.getMessage().contains("cannot open shared object file")) {
          throw missing;
        }
      }
    }
    return abort("skipped: " + String.join(" or ", names) + " is not installed");
  }

  /** A file of the distribution's. */
  static Path file(String path) {
    return Files.isReadable(Path.of(path))
        ? Path.of(path)
        : abort("skipped: " + path + " is not installed");
  }

  static ByteBuffer direct(int size) {
    return ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder());
  }

  static byte[] bytes(ByteBuffer from, int length) {
    byte[] bytes = new byte[length];
    from.get(0, bytes);
    return bytes;
  }

  /** A copy of what a library has there. */
  static ByteBuffer read(ContainedLibrary library, long address, int size) {
    ByteBuffer copy = direct(size);
    library.read(address, copy);
    return copy;
  }
}
