package io.tproc.worker;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class WorkerRequestTest {
  private static ByteBuffer buffer(int size) {
    return ByteBuffer.allocateDirect(size);
  }

  @Test
  void buffersStayInOrderAndARequestAsItWas() {
    WorkerRequest one = WorkerRequest.of("x").withBuffer(buffer(1));
    WorkerRequest two = one.withBuffer(buffer(2)).withBuffer(buffer(3));
    WorkerRequest other = one.withBuffer(buffer(4));
    assertThat(WorkerRequest.empty().buffers()).isEmpty();
    assertThat(one.buffers()).extracting(WorkerRequest.Memory::size).containsExactly(1L);
    assertThat(two.buffers()).extracting(WorkerRequest.Memory::size).containsExactly(1L, 2L, 3L);
    assertThat(other.buffers()).extracting(WorkerRequest.Memory::size).containsExactly(1L, 4L);
    assertThat(two).hasToString("WorkerRequest[1 bytes, 3 buffers]");
  }

  /** A list copied for each would take minutes. */
  @Test
  @Timeout(60)
  void manyBuffersTakeNoMoreThanTheirShare() {
    int count = 300_000;
    ByteBuffer buffer = buffer(1);
    WorkerRequest request = WorkerRequest.empty();
    for (int i = 0; i < count; i++) {
      request = request.withBuffer(buffer);
    }
    assertThat(request.buffers().size()).isEqualTo(count);
  }
}
