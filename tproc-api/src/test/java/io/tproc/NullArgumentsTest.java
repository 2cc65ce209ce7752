package io.tproc;

import static org.mockito.Mockito.mock;

import com.google.common.testing.NullPointerTester;
import io.tproc.spi.Checks;
import io.tproc.spi.LaunchRequest;
import io.tproc.spi.ProgramStarter;
import io.tproc.spi.StartState;
import java.lang.ProcessBuilder.Redirect;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Whatever is not annotated as nullable refuses null at once, where the mistake is. */
class NullArgumentsTest {
  private final NullPointerTester tester =
      new NullPointerTester()
          .setDefault(Redirect.class, Redirect.PIPE)
          .setDefault(StartState.class, StartState.OF_HOST)
          .setDefault(ResourceLimit.class, ResourceLimit.CPU)
          .setDefault(Finding.Verdict.class, Finding.Verdict.OK);

  @Test
  void ofChecks() {
    tester.testAllPublicStaticMethods(Checks.class);
  }

  @Test
  void ofBuilders() {
    tester.testAllPublicConstructors(ThreadProcBuilder.class);
    tester.testAllPublicInstanceMethods(
        new ThreadProcBuilder(mock(ProgramStarter.class), List.of()));
  }

  @Test
  void ofRecords() {
    tester.testAllPublicConstructors(Finding.class);
    tester.setDefault(List.class, List.of("x")).testAllPublicConstructors(LaunchRequest.class);
  }
}
