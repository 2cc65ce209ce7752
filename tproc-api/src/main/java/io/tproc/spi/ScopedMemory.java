package io.tproc.spi;

import java.util.Optional;

/** A {@link io.tproc.TprocHost} that knows whose memory lies where. */
public interface ScopedMemory {
  /**
   * The scope of what lies at an address.
   *
   * @param address any address
   * @return empty when it is no threadproc's
   * @throws IllegalStateException when it is one's that is closed
   */
  Optional<ViewScope> scopeAt(long address);
}
