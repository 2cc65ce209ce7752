package io.tproc.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

class DefaultSocketTest {
  @Test
  void theVariableComesFirst() {
    Map<String, String> environment =
        Map.of("TPROC_SOCKET", "/a/s", "XDG_RUNTIME_DIR", "/run/user/1");
    assertThat(DefaultSocket.of(environment::get)).contains(Path.of("/a/s"));
  }

  @Test
  void thenTheRuntimeDirectory() {
    Map<String, String> environment = Map.of("TPROC_SOCKET", "", "XDG_RUNTIME_DIR", "/run/user/1");
    assertThat(DefaultSocket.of(environment::get)).contains(Path.of("/run/user/1/tproc.sock"));
  }

  @Test
  void otherwiseThereIsNone() {
    assertThat(DefaultSocket.of(Map.<String, String>of()::get)).isEmpty();
  }
}
