package io.tproc.python;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;

import io.tproc.worker.WorkerResponse;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class CallTest {
  private final ByteBuffer buffer = ByteBuffer.allocateDirect(8);
  private final Call call = new Call("m", "f", new @Nullable Object[] {buffer}, Map.of());

  private @Nullable Object result(ByteBuffer bytes) {
    WorkerResponse response = mock(WorkerResponse.class);
    when(response.data()).thenReturn(bytes);
    return call.result(response);
  }

  private @Nullable Object result(@Nullable Object... answer) {
    ValueWriter writer = new ValueWriter();
    writer.value(Arrays.asList(answer));
    return result(writer.bytes());
  }

  @Test
  void requestsHaveTheBuffers() {
    assertThat(call.request()).hasToString("WorkerRequest[33 bytes, 1 buffers]");
  }

  @Test
  void results() {
    assertThat(result(true, null)).isNull();
    assertThat(result(true, List.of("a", 1))).isEqualTo(List.of("a", 1L));
  }

  @Test
  void exceptions() {
    PythonException thrown =
        catchThrowableOfType(
            PythonException.class,
            () -> result(false, "cannot call m.f", "KeyError", "'x'", "T\n"));
    assertThat(thrown).hasMessage("cannot call m.f: KeyError: 'x'");
    assertThat(thrown.type()).isEqualTo("KeyError");
    assertThat(thrown.pythonMessage()).isEqualTo("'x'");
    assertThat(thrown.traceback()).isEqualTo("T\n");
    assertThat(new PythonException("cannot call m.f", "E", "", ""))
        .hasMessage("cannot call m.f: E");
    assertThat(new PythonException("cannot call m.f", "E", "a\nb\u001b[2J", ""))
        .hasMessage("cannot call m.f: E: a\nb\\e[2J");
  }

  @Test
  void nonsense() {
    for (@Nullable Object[] answer :
        new @Nullable Object[][] {{}, {true}, {false, 1}, {1, 2}, {false, "a", "b", "c", 4}}) {
      assertThatIllegalStateException()
          .isThrownBy(() -> result(answer))
          .withMessage("cannot read what Python has answered: it is no answer");
    }
    assertThatIllegalStateException()
        .isThrownBy(() -> result(ByteBuffer.allocate(1)))
        .withMessageStartingWith("cannot read what Python has answered: no value begins with 0");
  }
}
