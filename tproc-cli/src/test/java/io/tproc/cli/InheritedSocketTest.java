package io.tproc.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class InheritedSocketTest {
  @ParameterizedTest
  @CsvSource({"7,1,1", "7,3,3", "8,1,0", "7,x,0", "7,-1,0", "7,99999999999,0", "'',1,0"})
  void areCountedWhenTheyAreMeantForThisProcess(String pid, String count, int found) {
    Map<String, String> environment = Map.of("LISTEN_PID", pid, "LISTEN_FDS", count);
    assertThat(InheritedSocket.count(environment::get, 7)).isEqualTo(found);
  }

  @Test
  void usuallyThereIsNone() {
    assertThat(InheritedSocket.count(Map.<String, String>of()::get, 7)).isZero();
  }
}
