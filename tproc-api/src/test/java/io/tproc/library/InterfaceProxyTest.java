package io.tproc.library;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.anyString;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;

import java.nio.ByteBuffer;
import java.util.function.IntUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What an interface cannot promise of a library is refused before anything is called. */
class InterfaceProxyTest {
  record Named(int number, String name) {}

  record Deep(int number, Named named) {}

  record WithBuffer(ByteBuffer bytes) {}

  interface GivesBuffer {
    ByteBuffer f();
  }

  interface GivesCallback {
    Callback f();
  }

  interface GivesFunction {
    IntUnaryOperator f();
  }

  interface GivesNamed {
    Named f();
  }

  interface GivesDeep {
    Deep f();
  }

  interface GivesRecordWithBuffer {
    WithBuffer f();
  }

  interface OfBuffer {
    int apply(ByteBuffer memory);
  }

  interface OfName {
    String apply(int number);
  }

  interface TakesFunctionOfBuffer {
    int f(OfBuffer function);
  }

  interface TakesFunctionThatGivesString {
    int f(OfName function);
  }

  interface Possible {
    String f(Deep value, ByteBuffer memory, IntUnaryOperator function);

    @Override
    String toString();

    @Override
    boolean equals(Object other);
  }

  private static ContainedLibrary library() {
    ContainedLibrary library = mock(ContainedLibrary.class);
    when(library.function(anyString(), any(Signature.class)))
        .thenReturn(UncallableFunction.of("f", Signature.of(CType.VOID)));
    return library;
  }

  @ParameterizedTest
  @ValueSource(
      classes = {
        GivesBuffer.class,
        GivesCallback.class,
        GivesFunction.class,
        GivesNamed.class,
        GivesDeep.class,
        GivesRecordWithBuffer.class,
        TakesFunctionOfBuffer.class,
        TakesFunctionThatGivesString.class
      })
  void whatNoCallCouldGiveIsRefused(Class<?> type) {
    assertThatThrownBy(() -> InterfaceProxy.make(library(), type))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("cannot be a")
        .hasMessageContaining("use long");
  }

  @Test
  void methodsOfEveryObjectMayBeDeclaredAgain() {
    Possible possible = InterfaceProxy.make(library(), Possible.class);
    assertThat(possible).hasToString(possible.toString()).isEqualTo(possible);
    assertThat(possible.toString()).startsWith("Possible of ");
  }
}
