package io.tproc.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.mockito.Mockito.mock;

import com.google.common.testing.NullPointerTester;
import io.tproc.TprocHost;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class WorkerPoolBuilderTest {
  private final WorkerPoolBuilder builder =
      new WorkerPoolBuilder(mock(TprocHost.class), List.of("program"));

  @Test
  void nullIsRefusedWhereItIsGiven() {
    NullPointerTester tester =
        new NullPointerTester()
            .setDefault(List.class, List.of("program"))
            .setDefault(TprocHost.class, mock(TprocHost.class))
            .setDefault(Duration.class, Duration.ofSeconds(1));
    tester.testAllPublicConstructors(WorkerPoolBuilder.class);
    tester.testAllPublicInstanceMethods(builder.count(2));
    tester.testAllPublicStaticMethods(WorkerRequest.class);
    tester.testAllPublicInstanceMethods(WorkerRequest.empty());
  }

  @Test
  void whatMakesNoSenseIsRefused() {
    TprocHost host = mock(TprocHost.class);
    assertThatIllegalArgumentException().isThrownBy(() -> new WorkerPoolBuilder(host, List.of()));
    assertThatIllegalArgumentException().isThrownBy(() -> builder.count(0));
    assertThatIllegalArgumentException().isThrownBy(() -> builder.count(257));
    assertThatIllegalArgumentException().isThrownBy(() -> builder.inFlight(0));
    assertThatIllegalArgumentException().isThrownBy(() -> builder.inFlight(1025));
    assertThatIllegalArgumentException().isThrownBy(() -> builder.queue(-1));
    assertThatIllegalArgumentException().isThrownBy(() -> builder.requestLimit(Duration.ZERO));
    assertThatIllegalArgumentException().isThrownBy(() -> builder.startLimit(Duration.ZERO));
    assertThatIllegalArgumentException().isThrownBy(() -> builder.closeLimit(Duration.ofNanos(-1)));
    Duration second = Duration.ofSeconds(1);
    assertThatIllegalArgumentException().isThrownBy(() -> builder.restarts(second, second, 0));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder.restarts(Duration.ofNanos(-1), second, 1));
  }

  @Test
  void requestsAreCopies() {
    ByteBuffer bytes = ByteBuffer.wrap(new byte[] {1, 2, 3, 4}).position(1);
    WorkerRequest request = WorkerRequest.of(bytes);
    bytes.put(1, (byte) 9);
    assertThat(request.data()).containsExactly(2, 3, 4);
    assertThat(bytes.position()).isEqualTo(1);
    assertThat(WorkerRequest.of("\u00e4").data()).hasSize(2);
    WorkerRequest more = request.withBuffer(ByteBuffer.allocateDirect(8).position(3));
    assertThat(request.buffers()).isEmpty();
    assertThat(more.buffers().get(0).size()).isEqualTo(5);
    assertThat(more.within(Duration.ofSeconds(2)).limit()).isEqualTo(Duration.ofSeconds(2));
    assertThat(more).hasToString("WorkerRequest[3 bytes, 1 buffers]");
  }

  @Test
  void limitsMayBeCenturies() {
    assertThat(Limits.nanos(Duration.ofSeconds(Long.MAX_VALUE))).isEqualTo(Long.MAX_VALUE / 2);
    assertThat(Limits.nanos(Duration.ofNanos(5))).isEqualTo(5);
  }
}
