package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.tproc.TprocHost;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Programs built against the original project's libtproc find their page: auxv entry 0x5450. */
@ExtendWith(HostExtension.class)
class OriginalAbiIT {
  @ParameterizedTest
  @ValueSource(strings = {"original", "original-static"})
  void theScratchPageIsWhereTheOriginalPutsIt(String program, TprocHost host) throws Exception {
    host.scratch().putLong(0, 41).putLong(8, 0);
    Outcome hosted = Outcome.hosted(host, Programs.probe(program));

    assertThat(hosted.output())
        .isEqualTo("0x" + Long.toHexString(host.addressOf(host.scratch())) + "\n");
    assertThat(host.scratch().getLong(8)).isEqualTo(42);
    assertThat(Outcome.natively(Programs.probe(program))).returns("no page\n", Outcome::output);
  }
}
