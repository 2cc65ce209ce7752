package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.tproc.TprocHost;
import java.util.Map;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** An image is mapped as the kernel maps it, whatever its layout. */
@ExtendWith(HostExtension.class)
class ImageIT {
  @ParameterizedTest
  @ValueSource(strings = {"image", "image-static", "image-64k", "image-2m", "image-execstack"})
  void segmentsAreAsTheKernelMapsThem(String program, TprocHost host) throws Exception {
    Outcome hosted = Outcome.hosted(host, Programs.probe(program));

    assertThat(hosted.values()).doesNotContainValue("WRONG").hasSizeGreaterThan(6);
    assertThat(hosted.exitValue).isZero();
    assertThat(withoutGaps(hosted))
        .isEqualTo(withoutGaps(Outcome.natively(Programs.probe(program))));
  }

  /** Between segments the kernel maps nothing, or nothing accessible: the same to the program. */
  private static Map<String, String> withoutGaps(Outcome outcome) {
    Map<String, String> values = outcome.values();
    values.computeIfPresent("image", (name, protections) -> protections.replace("---p ", ""));
    return values;
  }

  @ParameterizedTest
  @ValueSource(strings = {"auxiliary", "auxiliary-static"})
  void theAuxiliaryVectorTellsTheTruth(String program, TprocHost host) throws Exception {
    Map<String, String> hosted = Outcome.hosted(host, Programs.probe(program)).values();
    Map<String, String> natively = Outcome.natively(Programs.probe(program)).values();

    assertThat(hosted)
        .doesNotContainValue("WRONG")
        .containsEntry("executable", Programs.probe(program));
    natively.forEach(
        (name, value) -> {
          assertThat(hosted).as("what the kernel gives").containsKey(name);
          if (!isAddress(name)) {
            assertThat(hosted).containsEntry(name, value);
          }
        });
    assertThat(hosted).containsKeys("type" + 0x5450, "type" + 0x5451);
  }

  /**
   * auxv types whose values are addresses: PHDR, BASE, ENTRY, PLATFORM, BASE_PLATFORM, RANDOM,
   * EXECFN, SYSINFO_EHDR.
   */
  private static boolean isAddress(String name) {
    return name.matches("type(3|7|9|15|24|25|31|33)");
  }
}
