package io.tproc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.mockito.Mockito.mock;

import io.tproc.spi.TprocProvider;
import java.security.Permission;
import java.util.List;
import java.util.ServiceConfigurationError;
import org.junit.jupiter.api.Test;

class ProvidersTest {
  @Test
  void theFirstProviderOfTheFirstSourceWins() {
    TprocProvider first = mock(TprocProvider.class);
    TprocProvider second = mock(TprocProvider.class);
    TprocProvider third = mock(TprocProvider.class);

    assertThat(Providers.first(List.of(first, second), List.of(third))).isSameAs(first);
    assertThat(Providers.first(List.of(), List.of(third))).isSameAs(third);
  }

  @Test
  void withoutAProviderTheMessageNamesTheDependencyAndTheClassifier() {
    // This module's tests have no provider on their path.
    assertThatExceptionOfType(TprocUnavailableException.class)
        .isThrownBy(TprocHost::open)
        .withMessageContaining("io.tproc:tproc-jni")
        .withMessageContaining("classifier linux-")
        .withMessageContaining("--add-modules io.tproc.jni.linux.");
    assertThatExceptionOfType(TprocUnavailableException.class).isThrownBy(TprocHost::check);
  }

  @Test
  @SuppressWarnings("removal")
  void aSecurityManagerThatHidesTheProviderIsNamed() {
    assumeTrue(
        Runtime.version().feature() == 17, "later releases let nobody set a security manager");
    System.setSecurityManager(
        new SecurityManager() {
          @Override
          public void checkPermission(Permission permission) {}

          @Override
          public void checkPropertyAccess(String name) {
            if (name.equals("java.security.manager")) {
              throw new SecurityException(name);
            }
          }
        });
    try {
      assertThatExceptionOfType(TprocUnavailableException.class)
          .isThrownBy(() -> Providers.first(List.of()))
          .withMessageContaining("a security manager hides");
    } finally {
      System.setSecurityManager(null);
    }
  }

  @Test
  void aProviderThatDoesNotLoadIsNamed() {
    Iterable<TprocProvider> broken =
        () -> {
          throw new ServiceConfigurationError("io.tproc.spi.TprocProvider: Provider a.B not found");
        };

    assertThatExceptionOfType(TprocUnavailableException.class)
        .isThrownBy(() -> Providers.first(broken))
        .withMessageContaining("Provider a.B not found")
        .withCauseInstanceOf(ServiceConfigurationError.class);
  }
}
