package io.tproc.cli;

import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Where a host listens when the command line does not say. */
final class DefaultSocket {
  static final String VARIABLE = "TPROC_SOCKET";

  private static final String NAME = "tproc.sock";

  private DefaultSocket() {}

  /**
   * {@code TPROC_SOCKET}, else {@code $XDG_RUNTIME_DIR/tproc.sock}.
   *
   * @param environment gives a variable's value, or null
   * @return empty when neither is set
   */
  static Optional<Path> of(Function<String, @Nullable String> environment) {
    return set(environment, VARIABLE)
        .map(Path::of)
        .or(() -> set(environment, "XDG_RUNTIME_DIR").map(directory -> Path.of(directory, NAME)));
  }

  private static Optional<String> set(
      Function<String, @Nullable String> environment, String variable) {
    return Optional.ofNullable(environment.apply(variable)).filter(value -> !value.isEmpty());
  }
}
