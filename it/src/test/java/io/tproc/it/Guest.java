package io.tproc.it;

import static org.junit.jupiter.api.Assumptions.assumeFalse;

/** The guest (it/guest): an emulated machine without compilers, network or other people. */
final class Guest {
  private Guest() {}

  /**
   * Called first in a test that cannot run there, and only there: it is reported as not run.
   *
   * @param reason why, such as "it compiles programs"
   */
  static void cannotRunThis(String reason) {
    assumeFalse(Boolean.getBoolean("tproc.it.guest"), "skipped: not in the guest: " + reason);
  }
}
