package io.tproc.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.JarFile;
import java.util.zip.ZipEntry;
import picocli.CommandLine;

/**
 * Loads what the commands need, and does nothing else: {@code bin/tproc} has the JVM write an
 * archive of its classes then (class-data sharing), from which later commands take them.
 */
public final class SharedClasses {
  private static final String SUFFIX = ".class";

  private SharedClasses() {}

  /** Takes no arguments. */
  public static void main(String[] arguments) throws Exception {
    loadOwn();
    PrintWriter nowhere = new PrintWriter(Writer.nullWriter());
    for (List<String> line :
        List.of(List.of("run", "--help"), List.of("help", "ps"), List.of("ps", "/"))) {
      CommandLine command = Main.commandLine(HostSupplier.INSTALLED).setOut(nowhere);
      command.setErr(nowhere).execute(line.toArray(String[]::new));
    }
  }

  /** All of this project's in the jar. */
  private static void loadOwn() throws Exception {
    Path jar =
        Path.of(SharedClasses.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    try (JarFile file = new JarFile(jar.toFile())) {
      file.stream()
          .map(ZipEntry::getName)
          .filter(name -> name.startsWith("io/tproc/") && name.endsWith(SUFFIX))
          .forEach(SharedClasses::load);
    } catch (IOException noJar) {
      // Class files in a directory are not archived.
    }
  }

  private static void load(String file) {
    String name = file.substring(0, file.length() - SUFFIX.length()).replace('/', '.');
    try {
      Class.forName(name, false, SharedClasses.class.getClassLoader());
    } catch (ClassNotFoundException | LinkageError notHere) {
      // Of another release of Java: the command does without it, too.
    }
  }
}
