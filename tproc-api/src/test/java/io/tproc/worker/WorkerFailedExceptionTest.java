package io.tproc.worker;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class WorkerFailedExceptionTest {
  /** What a program says of itself may be anything; a traceback is lines. */
  @Test
  void aTerminalObeysNothingOfTheMessage() {
    assertThat(new WorkerFailedException("Traceback:\n\tx\r\u001b[2J\u202e\n", 1, 2))
        .hasMessage("Traceback:\n\tx\\r\\e[2J\\u202e\n");
  }
}
