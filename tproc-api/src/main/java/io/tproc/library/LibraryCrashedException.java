package io.tproc.library;

import io.tproc.ExitStatus;
import io.tproc.spi.Printable;
import java.io.Serial;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A call did not return, because the library it went to has ended: it crashed, called {@code exit}
 * or {@code abort}, or was ended on purpose. The JVM is unharmed, and so are other libraries.
 *
 * <p>The message names the library, the function and the cause: {@code libz.so.1: crc32 did not
 * return: SIGSEGV, accessing 0x10 (null pointer), in crc32_z+0x5b of
 * /lib/x86_64-linux-gnu/libz.so.1+0x3fe0}.
 */
public class LibraryCrashedException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  private final transient ExitStatus exitStatus;
  private final transient @Nullable Crash crash;

  LibraryCrashedException(String message, ExitStatus exitStatus, Optional<Crash> crash) {
    super(Printable.text(message));
    this.exitStatus = exitStatus;
    this.crash = crash.orElse(null);
  }

  /**
   * How the library's process ended.
   *
   * @return {@link ExitStatus.Exited} when the library called {@code exit}
   */
  public ExitStatus exitStatus() {
    return exitStatus;
  }

  /**
   * Where the library was when a signal of its own making ended it.
   *
   * @return empty for an exit, when another process ended it, and when the library has replaced the
   *     handler of the signal
   */
  public Optional<Crash> crash() {
    return Optional.ofNullable(crash);
  }
}
