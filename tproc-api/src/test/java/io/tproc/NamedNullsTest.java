package io.tproc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.mockito.Mockito.mock;

import io.tproc.library.CType;
import io.tproc.library.LibraryBuilder;
import io.tproc.library.Signature;
import io.tproc.python.PythonPoolBuilder;
import io.tproc.spi.CalleeSupport;
import io.tproc.worker.WorkerPoolBuilder;
import io.tproc.worker.WorkerRequest;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** An argument that is null is named by the exception: a line may have several. */
class NamedNullsTest {
  private static final Map<Class<?>, Object> VALUES =
      Map.of(
          Duration.class,
          Duration.ofSeconds(1),
          int.class,
          1,
          long.class,
          1L,
          boolean.class,
          true,
          String.class,
          "x",
          CType.class,
          CType.INT,
          CType[].class,
          new CType[] {CType.INT},
          String[].class,
          new String[] {"x"});

  static Stream<Object> objects() {
    return Stream.of(
        new LibraryBuilder(mock(TprocHost.class), mock(CalleeSupport.class), "x"),
        new WorkerPoolBuilder(mock(TprocHost.class), List.of("x")),
        new PythonPoolBuilder(mock(TprocHost.class), mock(CalleeSupport.class), "x"),
        WorkerRequest.empty(),
        Signature.of(CType.INT),
        CType.INT);
  }

  @ParameterizedTest
  @MethodSource("objects")
  void ofAllPublicMethods(Object object) throws Exception {
    for (Method method : object.getClass().getDeclaredMethods()) {
      boolean isTested = Modifier.isPublic(method.getModifiers()) && !method.isSynthetic();
      for (int i = 0; isTested && i < method.getParameterCount(); i++) {
        if (!method.getParameterTypes()[i].isPrimitive() && !method.getName().equals("equals")) {
          assertNamed(object, method, i);
        }
      }
    }
  }

  private static void assertNamed(Object object, Method method, int index) {
    Object[] arguments =
        Arrays.stream(method.getParameterTypes()).map(VALUES::get).toArray(Object[]::new);
    arguments[index] = null;
    assertThatThrownBy(() -> method.invoke(object, arguments))
        .as(method.toString())
        .isInstanceOf(InvocationTargetException.class)
        .cause()
        .isInstanceOf(NullPointerException.class)
        .satisfies(thrown -> assertThat(thrown.getMessage()).matches("[a-zA-Z]+"));
  }
}
