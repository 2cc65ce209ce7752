package io.tproc;

import io.tproc.spi.TprocProvider;
import java.util.Iterator;
import java.util.Locale;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;

/**
 * Finds the provider. Nothing is remembered: a provider that appears later (a plug-in's class
 * loader) is found then.
 */
final class Providers {
  private Providers() {}

  /**
   * The first provider that this library's class loader sees, else the first that the thread's
   * context loader sees.
   */
  static TprocProvider first() {
    return first(
        ServiceLoader.load(TprocProvider.class, TprocHost.class.getClassLoader()),
        ServiceLoader.load(TprocProvider.class));
  }

  @SafeVarargs
  static TprocProvider first(Iterable<TprocProvider>... sources) {
    try {
      for (Iterable<TprocProvider> source : sources) {
        Iterator<TprocProvider> providers = source.iterator();
        if (providers.hasNext()) {
          return providers.next();
        }
      }
    } catch (ServiceConfigurationError broken) {
      throw new TprocUnavailableException(
          "a tproc provider is there but does not load: " + broken.getMessage(), broken);
    }
    if (hasSecurityManager()) {
      throw new TprocUnavailableException(
          "a security manager hides tproc's provider: its policy has to grant tproc's jars java.security.AllPermission");
    }
    throw new TprocUnavailableException(
        "no tproc provider on the class path or module path: add the dependency io.tproc:tproc-jni, and the same once more"
            + " with the classifier "
            + classifier()
            + " for the native library; an image of jlink is made with --add-modules "
            + module());
  }

  /**
   * One that lets nobody read this property lets nobody look for a provider either, and none seems
   * to be there. Releases without security managers have the property, too.
   */
  private static boolean hasSecurityManager() {
    try {
      System.getProperty("java.security.manager");
      return false;
    } catch (SecurityException denied) {
      return true;
    }
  }

  /** The module of the classifier's jar, which requires the provider's. */
  private static String module() {
    return classifier().replace("linux-", "io.tproc.jni.linux.");
  }

  /**
   * The classifier that fits this machine; both when neither does, the provider will then say why
   * it cannot work here.
   */
  private static String classifier() {
    return switch (System.getProperty("os.arch", "").toLowerCase(Locale.ROOT)) {
      case "amd64", "x86_64" -> "linux-x86_64";
      case "aarch64" -> "linux-aarch64";
      default -> "linux-x86_64 or linux-aarch64";
    };
  }
}
