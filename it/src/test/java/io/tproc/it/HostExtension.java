package io.tproc.it;

import io.tproc.TprocHost;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * Gives test methods a parameter of type {@link TprocHost}: one host for each test class, closed
 * after it.
 */
final class HostExtension implements ParameterResolver {
  private static final Namespace NAMESPACE = Namespace.create(HostExtension.class);

  /** JUnit closes what is closeable in its stores. */
  private record Kept(TprocHost host) implements AutoCloseable {
    @Override
    public void close() {
      host.close();
    }
  }

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    return parameter.getParameter().getType() == TprocHost.class;
  }

  @Override
  public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
    return classContext(context)
        .getStore(NAMESPACE)
        .getOrComputeIfAbsent(Kept.class, unused -> new Kept(open()), Kept.class)
        .host();
  }

  /** With its threads under their names: what compares threads by name would miss them. */
  private static TprocHost open() {
    TprocHost host = TprocHost.open();
    Patience.until(
        Patience.seconds(10),
        () -> Resources.hasThread("tproc-host") && Resources.hasThread("tproc-broker"));
    return host;
  }

  /**
   * The context whose end is the end of the test class: a template's invocations have contexts of
   * their own below it.
   */
  private static ExtensionContext classContext(ExtensionContext context) {
    ExtensionContext ofClass = context;
    while (ofClass.getTestMethod().isPresent()) {
      ofClass = ofClass.getParent().orElseThrow();
    }
    return ofClass;
  }
}
