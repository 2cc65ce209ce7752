package io.tproc.cli;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.IVersionProvider;

/** What {@code tproc --version} prints. */
final class Version implements IVersionProvider {
  @Override
  public String[] getVersion() {
    return new String[] {
      "tproc " + number(),
      "Java "
          + Runtime.version()
          + ", "
          + System.getProperty("java.vm.name")
          + " ("
          + System.getProperty("java.home")
          + ")",
      System.getProperty("os.name")
          + " "
          + System.getProperty("os.version")
          + " "
          + System.getProperty("os.arch")
    };
  }

  /** From the jar's manifest; class files in a directory have none. */
  static String number() {
    @Nullable String number = Version.class.getPackage().getImplementationVersion();
    return number != null ? number : "(not from a jar)";
  }
}
